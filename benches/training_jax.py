"""JAX's side of the training benchmark: the same models, batches and steps as `training.rs`, one run per process.

usage: training_jax.py MODEL VARIANT MODE STEPS REPEATS
MODEL is a dense network or m4; the others need unpooling or codebooks, which JAX's libraries do not have. A step is one
compiled function that also draws the batch and the dropout and updates the weights by optax's Adam. Losses stay on
the device until the run ends.
"""
import os

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rival import MODEL, WIDTHS, digits, measure

batch = int(os.environ.get("BATCH", 128))
random = np.random.default_rng(0)


def uniform(*shape, fan_in):
    bound = fan_in**-0.5
    return jnp.asarray(random.uniform(-bound, bound, shape), jnp.float32)


def linear(a, b):
    return uniform(a, b, fan_in=a), uniform(b, fan_in=a)


def convolution(a, b):
    return uniform(3, 3, a, b, fan_in=9 * a), uniform(b, fan_in=9 * a)


def dense(layers, x, key):
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight + bias
        if i + 1 < len(layers):
            x = jax.nn.relu(x)
            if MODEL == "m1" and key is not None:
                x = jnp.where(jax.random.bernoulli(key, 0.8, x.shape), x / 0.8, 0.0)
    return jax.nn.sigmoid(x)


def strided(layers, x, key):
    """Images (b, h, w, c), which XLA prefers on the CPU."""
    form = ("NHWC", "HWIO", "NHWC")
    c1, c2, l1, l2, t1, t2 = layers
    for weight, bias in (c1, c2):
        x = jax.nn.relu(jax.lax.conv_general_dilated(x, weight, (2, 2), ((1, 1), (1, 1)), dimension_numbers=form) + bias)
    x = x.reshape(len(x), -1) @ l1[0] + l1[1]
    x = jax.nn.relu(x @ l2[0] + l2[1]).reshape(-1, 7, 7, 32)
    x = jax.nn.relu(jax.lax.conv_transpose(x, t1[0], (2, 2), ((1, 2), (1, 2)), dimension_numbers=form) + t1[1])
    return jax.nn.sigmoid(jax.lax.conv_transpose(x, t2[0], (2, 2), ((1, 2), (1, 2)), dimension_numbers=form) + t2[1])


dataset = digits()
if MODEL == "m4":
    dataset, net = dataset.reshape(-1, 28, 28, 1), strided
    layers = [convolution(1, 16), convolution(16, 32), linear(1568, 32), linear(32, 1568), convolution(32, 16), convolution(16, 1)]
else:
    net = dense
    layers = [linear(a, b) for a, b in zip(WIDTHS[MODEL], WIDTHS[MODEL][1:])]
dataset = jnp.asarray(dataset)
n = len(dataset) // batch * batch
optimizer = optax.adam(1e-3)


def loss_of(layers, images, key):
    return jnp.mean((net(layers, images, key) - images) ** 2)


@jax.jit
def step(layers, state, key, positions):
    loss, gradients = jax.value_and_grad(loss_of)(layers, dataset[positions], key)
    updates, state = optimizer.update(gradients, state)
    return optax.apply_updates(layers, updates), state, loss


@jax.jit
def output(layers, images):
    return net(layers, images, None)


state, key = optimizer.init(layers), jax.random.key(0)


def train(steps):
    global layers, state, key
    losses, at, order = [], n, None
    for _ in range(steps):
        if at == n:
            order, at = random.permutation(len(dataset)).astype(np.int32), 0
        key, drawn = jax.random.split(key)
        layers, state, loss = step(layers, state, drawn, order[at : at + batch])
        at += batch
        losses.append(loss)
    return float(sum(losses)) / steps


def infer(steps):
    for i in range(steps):
        output(layers, batches[i % len(batches)]).block_until_ready()
    return 0.0


batches = [dataset[at : at + batch] for at in range(0, min(n, 8 * batch), batch)]
measure(train, infer, batch, n)
