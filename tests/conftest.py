"""Settings of all tests."""

from hypothesis import settings

# No deadline: a first call that imports or allocates says nothing about the code under test.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
