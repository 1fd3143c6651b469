"""Standard errors, intervals, breakpoints and their calibration."""
