"""Builds the extension with CMake, out of the source tree around this folder; pyproject.toml has all the rest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path(__file__).resolve().parent.parent


class CMakeBuild(build_ext):
    def build_extension(self, extension):
        build = Path(self.build_temp).resolve()
        options = ["-DC10K_TESTS=OFF", "-DC10K_PYTHON=ON", f"-DPython3_EXECUTABLE={sys.executable}"]
        if shutil.which("ninja"):  # else CMake's choice, which is make
            options += ["-G", "Ninja"]
        self.run_cmake("-S", SOURCE, "-B", build, *options)
        # Without a number, make would start all compilers at once.
        self.run_cmake("--build", build, "--target", "_c10k", "--parallel", len(os.sched_getaffinity(0)))
        target = Path(self.get_ext_fullpath(extension.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        (built,) = (build / "python").glob("_c10k.*.so")
        self.copy_file(str(built), str(target))

    def run_cmake(self, *arguments):
        try:
            subprocess.run(["cmake", *map(str, arguments)], check=True)
        except FileNotFoundError:
            sys.exit(
                "c10k is built with CMake, which is missing: apt-get install cmake g++ "
                "(docs/tutorial/4-django.md has the whole list)"
            )


setup(ext_modules=[Extension("_c10k", sources=[])], cmdclass={"build_ext": CMakeBuild})
