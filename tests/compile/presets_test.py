"""`cmake --preset` configures each build that ./test and ./fuzz/run make, in the folder that they use."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from support.environment import SOURCE

PRESETS = {preset["name"]: preset for preset in json.loads((SOURCE / "CMakePresets.json").read_text())["configurePresets"]}

# Its folder, and the options that distinguish it.
BUILDS = {
    "dev": ("build", {"C10K_TESTS": "ON", "C10K_SANITIZE": "", "C10K_FUZZ": "OFF"}),
    "asan": ("build-sanitize", {"C10K_TESTS": "ON", "C10K_SANITIZE": "address", "C10K_FUZZ": "OFF"}),
    "tsan": ("build-threads", {"C10K_TESTS": "ON", "C10K_SANITIZE": "thread", "C10K_FUZZ": "OFF"}),
    "fuzz": ("build-fuzz", {"C10K_TESTS": "OFF", "C10K_SANITIZE": "", "C10K_FUZZ": "ON"}),
}


class Presets(unittest.TestCase):
    def test_are_these(self):
        self.assertEqual({name: preset["binaryDir"] for name, preset in PRESETS.items()},
                         {name: f"${{sourceDir}}/{folder}" for name, (folder, _) in BUILDS.items()})

    def test_each_configures_its_build(self):
        for name, (_, options) in BUILDS.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(["cmake", "--preset", name, "-B", folder], cwd=SOURCE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)
                cache = pathlib.Path(folder, "CMakeCache.txt").read_text()
                chosen = dict(re.findall(r"^(C10K_\w+):\w+=(.*)$", cache, re.MULTILINE))
                chosen.pop("C10K_PYTHON", None)  # follows from what is installed
                self.assertEqual(chosen, options)


if __name__ == "__main__":
    unittest.main(verbosity=2)
