"""What a certificate rests on, one kind to a file: labels without noise, noisy labels, hidden
values, proofs over the rationals. Each kind has an ordered table of checks, and can repeat
them.
"""
