"""A policy that learns from its returns: `python -m chainrule.examples.policy_gradient`.

A cart must be pushed left or right so that the pole on it stays up, by its equations of motion
(Barto, Sutton and Anderson 1983, without friction), written in NumPy. REINFORCE with a baseline
(Williams 1992; Sutton and Barto 2018, section 13.4) climbs the gradient of the mean return,

    E[sum over t of grad log p(a_t | s_t) (G_t - v(s_t))],   G_t = r_t + discount * G_(t+1),

where v, a second network, learns to foretell G. A step of both networks is one `keras.function`; the
episodes between them are the user's own Python, which asks the policy's `predictor`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._training import options_of, print_result, save_figure

__all__ = ["Agent", "Episodes", "Result", "main", "moved"]

Array = npt.NDArray[Any]
# Kilograms, metres, newtons, seconds; an episode ends beyond the last two.
CART, POLE, HALF_LENGTH, GRAVITY, FORCE, STEP = 1.0, 0.1, 0.5, 9.8, 10.0, 0.02
MOST_ANGLE, MOST_PLACE = np.radians(12), 2.4
DISCOUNT = 0.99


class Result(NamedTuple):
    """Mean steps for which the pole stays up, of episodes that nothing learnt from, and the most there are."""

    before: float
    after: float
    most: int


class Episodes(NamedTuple):
    """What happened to `count` carts at once, (steps, count, ...); alive is 1 until the pole fell."""

    states: Array
    actions: Array
    alive: Array

    def length(self) -> float:
        """The mean number of steps."""
        return float(self.alive.sum(axis=0).mean())

    def returns(self) -> Array:
        """Discounted sums of the rewards to come: 1 for each step."""
        following = np.zeros(self.alive.shape[1], "float32")
        found = np.empty_like(self.alive)
        for t in reversed(range(len(found))):
            following = self.alive[t] * (1 + DISCOUNT * following)
            found[t] = following
        return found


def moved(states: Array, actions: Array) -> Array:
    """The states (place, speed, angle, turning) after a step of Euler's method; action 1 pushes right."""
    _, speed, angle, turning = states.T
    sin, cos, mass = np.sin(angle), np.cos(angle), CART + POLE
    push = (FORCE * (2 * actions - 1) + POLE * HALF_LENGTH * turning**2 * sin) / mass
    inertia = HALF_LENGTH * (4 / 3 - POLE * cos**2 / mass)
    twist = (GRAVITY * sin - cos * push) / inertia
    slopes = [speed, push - POLE * HALF_LENGTH * twist * cos / mass, turning, twist]
    return states + STEP * np.stack(slopes, axis=1).astype(states.dtype)


class Agent:
    """A policy, its baseline, and the step that trains both."""

    def __init__(self, rate: float) -> None:
        self.policy = keras.Sequential(
            [keras.Input((4,)), layers.Dense(32, activation="tanh"), layers.Dense(1)]
        )
        self.baseline = keras.Sequential(
            [keras.Input((4,)), layers.Dense(64, activation="tanh"), layers.Dense(1)]
        )
        self.optimizers = keras.optimizers.Adam(rate), keras.optimizers.Adam(rate)
        self.logits = self.policy.predictor()

    def play(self, count: int, most: int, rng: np.random.Generator) -> Episodes:
        """`count` episodes at once, of `most` steps or until the last pole falls."""
        states = np.zeros((most, count, 4), "float32")
        actions = np.zeros((most, count), "float32")
        alive = np.zeros((most, count), "float32")
        now, up = rng.uniform(-0.05, 0.05, (count, 4)).astype("float32"), np.ones(count, bool)
        for t in range(most):
            chances = 1 / (1 + np.exp(-self.logits(now)[:, 0]))
            states[t], actions[t], alive[t] = now, rng.random(count) < chances, up
            now = np.where(up[:, None], moved(now, actions[t]), now)
            up &= (np.abs(now[:, 0]) < MOST_PLACE) & (np.abs(now[:, 2]) < MOST_ANGLE)
            if not up.any():
                break
        return Episodes(states, actions, alive)

    @keras.function
    def learn(self, states: Any, actions: Any, returns: Any, alive: Any) -> Any:
        """One step on episodes whose axes of time and count are one; gives the mean surprise, |G - v|."""
        steps = ops.sum(alive)
        with keras.GradientTape() as tape:
            error = alive * (returns - self.baseline(states)[:, 0])
            loss = ops.sum(ops.square(error)) / steps
        weights = self.baseline.trainable_weights
        self.optimizers[1].apply_gradients(zip(tape.gradient(loss, weights), weights))

        # (N,): in units of their spread, so that the rate is one of the task's.
        advantages = error / ops.sqrt(ops.sum(ops.square(error)) / steps + 1e-6)
        with keras.GradientTape() as tape:
            logits = self.policy(states)[:, 0]
            surprisal = ops.binary_crossentropy(actions, logits, from_logits=True)
            loss = ops.sum(ops.stop_gradient(advantages) * surprisal) / steps
        weights = self.policy.trainable_weights
        self.optimizers[0].apply_gradients(zip(tape.gradient(loss, weights), weights))
        return ops.sum(ops.abs(error)) / steps

    def learn_from(self, episodes: Episodes) -> float:
        """A step of both networks on all moments of the episodes; the loss."""
        states = episodes.states.reshape(-1, 4)
        rest = (episodes.actions, episodes.returns(), episodes.alive)
        return float(self.learn(states, *(a.reshape(-1) for a in rest)))


def draw(whole: Any, agent: Agent, curve: list[float], before: Episodes, after: Episodes) -> None:
    """The returns, some episodes' angles before and after, and what the policy does."""
    learnt, angles, policy = whole.subplots(1, 3)
    learnt.plot(range(1, len(curve) + 1), curve)
    learnt.set(title="steps with the pole up", xlabel="training step", ylim=(0, None))
    learnt.grid(alpha=0.3)
    for colour, name, episodes in (("C1", "before", before), ("C0", "after", after)):
        for i in range(5):
            length = int(episodes.alive[:, i].sum())
            times = STEP * np.arange(length)
            label = name if i == 0 else None
            degrees = np.degrees(episodes.states[:length, i, 2])
            angles.plot(times, degrees, color=colour, lw=0.8, label=label)
    angles.set(title="five poles' angles", xlabel="seconds", ylabel="degrees", ylim=(-13, 13))
    angles.grid(alpha=0.3)
    angles.legend()
    edge = np.linspace(-1, 1, 81, dtype="float32")
    angle, turning = np.meshgrid(MOST_ANGLE * edge, 2 * edge)
    zeros = np.zeros(angle.size)
    states = np.stack([zeros, zeros, angle.ravel(), turning.ravel()], axis=1).astype("float32")
    chances = 1 / (1 + np.exp(-agent.logits(states).reshape(angle.shape)))
    shown = policy.contourf(np.degrees(angle), turning, chances, np.linspace(0, 1, 11), cmap="RdBu")
    policy.set(title="cart at rest in the middle", xlabel="degrees", ylabel="radians a second")
    whole.colorbar(shown, ax=policy, label="probability of a push to the right")


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train, draw, and give the mean returns before and after."""
    options = options_of("A policy learns to keep a pole up.").parse_args(arguments)
    start = time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    most, count, rounds = (200, 16, 60) if options.quick else (500, 32, 150)
    agent = Agent(rate=1e-2)
    before = agent.play(100, most, rng)
    curve = []
    for number in range(rounds):
        episodes = agent.play(count, most, rng)
        surprise = agent.learn_from(episodes)
        curve.append(episodes.length())
        if (number + 1) % 10 == 0:
            print(f"step {number + 1}: {curve[-1]:.0f} steps up, surprise {surprise:.1f}")
    after = agent.play(100, most, rng)
    result = Result(before.length(), after.length(), most)
    save_figure(
        options.out / "policy_gradient.png",
        lambda whole: draw(whole, agent, curve, before, after),
        (15, 4.6),
    )
    figures = f"{result.before:.0f} steps up before, {result.after:.0f} after, of {most}"
    print_result("policy_gradient", figures, start)
    return result


if __name__ == "__main__":
    main()
