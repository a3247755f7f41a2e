"""The SVM search over layer sets, with shared kernels."""
