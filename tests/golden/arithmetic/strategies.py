"""docs/arithmetic.md, section 8, outer step; docs/strategies.md: defaults. A strategy's object lives as long as its run."""

import numpy as np


class Plain:
    """phi + epsilon * mean."""
    asks_devices, weighs_samples, learns_from_query = True, False, False
    default_rate, is_constant = 1.0, False
    proximal = 0.0                                                      # of the devices' steps, section 7

    def __init__(self, meta, trainable):
        self.meta, self.trainable = meta, trainable

    def setting(self, key, default):
        return float(self.meta.get(key, default))

    def meta_learning_rate(self, t):
        e0 = self.setting("meta_learning_rate", self.default_rate)
        e1 = self.setting("meta_learning_rate_final", e0 if self.is_constant else 0.0)
        return e0 + (e1 - e0) * (float(t) / float(self.meta["rounds"]))

    def step(self, epsilon, phi, mean):
        return phi + epsilon * mean


class FedAvg(Plain):
    weighs_samples = True
    is_constant = True


class FedProx(FedAvg):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.proximal = self.setting("proximal", 0.01)


class FedAvgM(FedAvg):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.v = np.zeros(self.trainable)

    def step(self, epsilon, phi, mean):
        self.v = self.setting("server_momentum", 0.9) * self.v + mean
        return phi + epsilon * self.v


class FedAdam(FedAvg):
    default_rate = 0.01

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.b1, self.b2, self.tau = (self.setting(*pair) for pair in (("beta1", 0.9), ("beta2", 0.99), ("tau", 1e-3)))
        self.m = np.zeros(self.trainable)
        self.v = np.full(self.trainable, self.tau * self.tau)

    def second(self, s):
        return self.b2 * self.v + (1.0 - self.b2) * s

    def step(self, epsilon, phi, mean):
        self.m = self.b1 * self.m + (1.0 - self.b1) * mean
        self.v = self.second(mean * mean)
        return phi + (epsilon * self.m) / (np.sqrt(self.v) + self.tau)


class FedYogi(FedAdam):
    def second(self, s):
        part = (1.0 - self.b2) * s
        return np.where(self.v > s, self.v - part, np.where(s > self.v, self.v + part, self.v))


class Fomaml(Plain):
    learns_from_query = True
    is_constant = True


class Nothing(Plain):
    asks_devices = False


class Central(Plain):
    is_constant = True


STRATEGIES = {"tinyreptile": Plain, "reptile": Plain, "fedavg": FedAvg, "fedprox": FedProx, "fedavgm": FedAvgM,
              "fedadam": FedAdam, "fedyogi": FedYogi, "fomaml": Fomaml, "none": Nothing, "central": Central}
