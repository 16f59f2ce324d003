"""The tool as the fleet of a coordinator."""


class Fleet:
    def __init__(self, broker, learner, report, options):
        self.broker, self.learner, self.report, self.options, self.program = broker, learner, report, options, None

    def close(self):
        pass
