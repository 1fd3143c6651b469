"""Reading and writing networks (`networks`) and samples (`samples`), in the forms of `forms`.

Every reader answers a file it cannot use with a `FileError` that names the file; every writer
leaves the whole file behind, or what was there before.
"""
