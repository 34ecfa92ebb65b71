// written by its author in a later commit
