"""The whole turn of the flywheel on one machine: ask, rate, export, train, evaluate, promote, ask again."""
