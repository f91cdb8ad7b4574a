"""What the README says can be typed, besides ./demo and ./test, which have tests of their own."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support.cases import main
from support.environment import SOURCE


class Readme(unittest.TestCase):
    def test_the_echo_compiles_as_it_says(self):
        command = re.search(r"^g\+\+ [^`]*", (SOURCE / "README.md").read_text(), re.MULTILINE)[0]
        compile_command, run_command = command.strip().split(" && ")
        self.assertEqual(run_command, "./echo")
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "echo"
            line = compile_command.replace("-o echo", f"-o {program}")
            compiled = subprocess.run(line, shell=True, cwd=SOURCE, capture_output=True, text=True, check=False)
            self.assertEqual(compiled.returncode, 0, compiled.stderr)
            self.assertTrue(os.access(program, os.X_OK))


if __name__ == "__main__":
    main()
