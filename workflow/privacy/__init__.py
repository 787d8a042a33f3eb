"""Verbs about personal data: what there is, who asks to see it, when it is erased."""
