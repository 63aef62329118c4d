"""The same program in another process is the same text, so the cache on disk has its code."""

import subprocess
import sys

PROGRAM = """
import hashlib, numpy as np, graphc as gc
junk = [object() for _ in range({junk})]  # so that addresses differ, and what is ordered by them
x, y = gc.input("x", ("steps", 4, 3)), gc.input("y", (4,), "int64")
w, u, v = (gc.parameter(n, np.ones(s, "float32")) for n, s in (("w", (3, 8)), ("u", (8, 8)), ("v", (8, 5))))
h = gc.scan(lambda h, xt: (gc.tanh(xt @ w + h @ u), None), gc.zeros((4, 8)), x)[0]
p = gc.exp(h @ v) / gc.sum(gc.exp(h @ v), axis=1, keepdims=True)
loss = -gc.mean(gc.log(gc.take_along_axis(p, y[:, None], axis=1)))
step = gc.compile([x, y], loss, updates=gc.optim.Adam(1e-3).updates(loss, [w, u, v]))
print(hashlib.sha256(step.code.text.encode()).hexdigest())
"""


def test_the_text_of_a_training_step_is_the_same_in_every_process():
    texts = {
        subprocess.run([sys.executable, "-c", PROGRAM.format(junk=junk)], capture_output=True, text=True).stdout
        for junk in (0, 1001, 50_003)
    }
    assert len(texts) == 1 and len(texts.pop().strip()) == 64
