"""What a certificate rests on, one kind to a file: labels without noise, noisy labels, hidden
values, proofs over the rationals. Each kind is judged by an ordered table of checks, and can do it
again.
"""
