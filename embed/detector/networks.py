"""The networks: Gabbard et al. 2018, one with two-row kernels, and a residual network."""
