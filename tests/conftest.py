"""For the whole suite: Hypothesis draws the same examples every time and judges none by its speed, and no
process that a test starts keeps anything in the home of whoever runs it."""

import atexit
import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    print_blob=True,
    # The suite shares two cores with whatever else runs: slow generation says nothing about the code.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore",
    parent=settings.get_profile("repeatable"),
    derandomize=False,
    max_examples=2_000,
)
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="sf-test-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
