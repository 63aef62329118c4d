"""Random numbers as pure functions of a key and a position: the same on every target and for every batch size.

    key = gc.random.key(0)
    noise = gc.random.normal(key, (3, 4))

    stream = gc.random.Stream(0)             # or keys that make themselves, and others at each call
    dropped = x * stream.bernoulli(0.9, x.shape)
"""
