"""Songs divided into parts that sound alike, by the spectral error between windows (Asgharivaskasi et al. 2019).

Begin with `segments.segment_waveform`. It fits an autoregressive model to each window (`autoregression`), measures how
well each model predicts the other windows (`spectral_error`) and divides the graph of these distances (`clustering`).
"""
