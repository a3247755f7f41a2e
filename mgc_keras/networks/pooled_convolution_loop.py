"""The inner loop of `pooled_convolution`, compiled on first use."""

import numba
import numpy as np


# A product may be added without being rounded before.
@numba.njit(
    "void(float32[:, ::1], float32[:, :, ::1], float32[::1], float32[::1], float32[:, :, ::1], float64[:, ::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
    fastmath={"contract"},
)
def pool_3_by_3(
    padded: np.ndarray,
    kernel: np.ndarray,
    start: np.ndarray,
    back: np.ndarray,
    pooled: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Convolve a map with filters of 3 x 3, and keep the highest value of each pool of some rows and 4 columns.

    `padded` (rows + 2, columns + 2) float32; `kernel` (3, 3, n_filters); to each value `start` (n_filters,) is added at
    first, and `back` when all is done; `pooled` (rows / pool rows, columns / 4, n_filters) is written, and `sums` (2,
    n_filters) float64: of all values without `back`, and of their squares.
    """
    n_rows, n_columns, n_filters = pooled.shape
    pool_rows = (len(padded) - 2) // n_rows
    total, squares = np.zeros(n_filters), np.zeros(n_filters)
    k0, k1, k2 = kernel[0, 0], kernel[0, 1], kernel[0, 2]
    k3, k4, k5 = kernel[1, 0], kernel[1, 1], kernel[1, 2]
    k6, k7, k8 = kernel[2, 0], kernel[2, 1], kernel[2, 2]
    for row in range(n_rows):
        for here in range(pool_rows):
            place = row * pool_rows + here
            above, middle, below = padded[place], padded[place + 1], padded[place + 2]
            for column in range(n_columns):
                # All of a pool's row at once: its values stay in registers, and so do the six samples of each row.
                a, b, c, highest = above[4 * column :], middle[4 * column :], below[4 * column :], pooled[row, column]
                a0, a1, a2, a3, a4, a5 = a[0], a[1], a[2], a[3], a[4], a[5]
                b0, b1, b2, b3, b4, b5 = b[0], b[1], b[2], b[3], b[4], b[5]
                c0, c1, c2, c3, c4, c5 = c[0], c[1], c[2], c[3], c[4], c[5]
                for n in range(n_filters):
                    u0, u1, u2, v0, v1, v2, w0, w1, w2 = k0[n], k1[n], k2[n], k3[n], k4[n], k5[n], k6[n], k7[n], k8[n]
                    y = start[n]
                    y0 = y + a0 * u0 + a1 * u1 + a2 * u2 + b0 * v0 + b1 * v1 + b2 * v2 + c0 * w0 + c1 * w1 + c2 * w2
                    y1 = y + a1 * u0 + a2 * u1 + a3 * u2 + b1 * v0 + b2 * v1 + b3 * v2 + c1 * w0 + c2 * w1 + c3 * w2
                    y2 = y + a2 * u0 + a3 * u1 + a4 * u2 + b2 * v0 + b3 * v1 + b4 * v2 + c2 * w0 + c3 * w1 + c4 * w2
                    y3 = y + a3 * u0 + a4 * u1 + a5 * u2 + b3 * v0 + b4 * v1 + b5 * v2 + c3 * w0 + c4 * w1 + c5 * w2
                    total[n] += (y0 + y1) + (y2 + y3)
                    squares[n] += (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)
                    found = max(max(y0, y1), max(y2, y3))
                    found = found if here == 0 else max(highest[n], found)
                    highest[n] = found + back[n] if here == pool_rows - 1 else found
    sums[0], sums[1] = total, squares
