// Nothing: its target holds a precompiled header that the tests share.
