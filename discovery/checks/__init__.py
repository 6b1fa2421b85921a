"""What each command of ``discover`` refuses before its engine is imported: the study, labels, ids, models, files and options.

``discover`` calls ``check`` of the module of the command's name first. Nothing here may import torch, faiss or another engine,
so that a mistake is reported at once; the messages are those of the library functions that are called here.
"""
