"""Ways to ask a model, one transport per file; and the questions: counted, checked, journalled.

An oracle is a callable that takes queries (n, d) and returns answers (n, m). What it raises goes
through; what it returns is checked by `questions.Questions`.
"""
