"""The system checks."""

import os
import pathlib
import platform
import subprocess
import sys
import tempfile
from unittest import mock

from django.apps import apps
from django.test import SimpleTestCase, override_settings

from c10ktools import checks, conf

from test_pitfalls import environment

APPS = ["c10ktools", "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles"]


def ids(messages):
    return [message.id for message in messages]


class InstalledApps(SimpleTestCase):
    def test_above_staticfiles_is_right_and_below_is_an_error(self):
        with override_settings(INSTALLED_APPS=APPS):
            self.assertEqual(checks.check_installed_apps(), [])
        with override_settings(INSTALLED_APPS=[*APPS[1:], "c10ktools"]):
            self.assertEqual(ids(checks.check_installed_apps()), ["c10ktools.E001"])

    def test_another_runserver_beside_it_is_a_warning_that_says_which_wins(self):
        with mock.patch.object(checks, "_has_runserver", lambda app: app == "daphne"):
            for names, wins in ((["daphne", *APPS], "daphne"), ([*APPS, "daphne"], "c10ktools")):
                configs = [type("Config", (), {"name": name}) for name in names]
                with mock.patch.object(apps, "get_app_configs", lambda: configs):
                    found = checks.check_installed_apps()
                self.assertEqual(ids(found), ["c10ktools.W001"])
                self.assertIn(f"That of '{wins}' is in force", found[0].msg)

    def test_a_missing_app_has_no_runserver(self):
        self.assertFalse(checks._has_runserver("no_such_app"))
        self.assertTrue(checks._has_runserver("c10ktools"))


class Settings(SimpleTestCase):
    def test_defaults_are_right(self):
        self.assertEqual(checks.check_settings(), [])
        for name, setting in conf.SETTINGS.items():
            with self.subTest(name):
                self.assertTrue(setting.fits(setting.default))
                self.assertTrue(setting.meaning.endswith("."))
                self.assertEqual(conf.get(name), setting.default)

    def test_wrong_values_are_errors_that_say_what_would_be_right(self):
        for name, value, text in (
            ("C10K_VIEW_LANES", 0, "C10K_VIEW_LANES must be a whole number of at least 1, not 0."),
            ("C10K_HANDSHAKE_THREADS", "4", "must be a whole number of at least 1, not '4'."),
            ("C10K_HANDSHAKE_QUEUE", True, "must be a whole number"),
            ("C10K_STOP_SECONDS", -1, "must be a number of seconds above 0, not -1."),
            ("C10K_SLOW_MEMBER", "drop", "must be one of 'close', 'drop_oldest', 'drop_newest', not 'drop'."),
            ("C10K_KEEP_REQUEST", 1, "must be True or False, not 1."),
            ("C10K_ENGINE", {"port": None}, "must be a dict from str to str, int, float or bool"),
        ):
            with self.subTest(name), override_settings(**{name: value}):
                found = checks.check_settings()
                self.assertEqual(ids(found), ["c10ktools.E002"])
                self.assertIn(text, found[0].msg)

    def test_what_the_engine_does_not_take_is_an_error(self):
        for engine, texts in (
            ({"max_mesage_bytes": 1, "ping_interval": "soon"}, ("did you mean 'max_message_bytes'?", "ping_interval")),
            ({"compression": True, "max_message_bytes": 1000}, ()),
        ):
            with self.subTest(engine), override_settings(C10K_ENGINE=engine):
                found = checks.check_settings()
                self.assertEqual(ids(found), ["c10ktools.E004"] * len(texts))
                for message, text in zip(found, texts):
                    self.assertIn(text, message.msg)

    def test_a_name_that_is_no_setting_is_a_warning_with_the_nearest_one(self):
        with override_settings(C10K_VIEW_LANE=4):
            found = checks.check_settings()
            self.assertEqual(ids(found), ["c10ktools.W002"])
            self.assertEqual(found[0].hint, "Did you mean C10K_VIEW_LANES?")

    def test_settings_of_the_engine_become_texts(self):
        with override_settings(C10K_ENGINE={"compression": True, "keepalive_time": 30, "host": "::1"}):
            texts = {"compression": "true", "keepalive_time": "30", "host": "::1"}
            self.assertEqual(conf.engine_settings(), texts)
        with override_settings(C10K_ENGINE={"handshake_time": "5s"}):
            self.assertEqual(conf.engine_settings(), {"handshake_time": "5s"})


class Applications(SimpleTestCase):
    def test_paths_of_modules_that_exist_are_right(self):
        with override_settings(ASGI_APPLICATION="project.urls.application", WSGI_APPLICATION=None):
            self.assertEqual(checks.check_applications(), [])

    def test_others_are_errors(self):
        for value, text in (
            ("application", "must be a dotted path, not 'application'."),
            (object, "must be a dotted path"),
            ("project.no_such.application", "there is no module 'project.no_such'."),
            ("no_such.asgi.application", "there is no module 'no_such.asgi'."),
        ):
            with self.subTest(value), override_settings(ASGI_APPLICATION=value):
                found = checks.check_applications()
                self.assertEqual(ids(found), ["c10ktools.E003"])
                self.assertIn(text, found[0].msg)


class Extension(SimpleTestCase):
    def test_an_extension_that_cannot_be_loaded_is_a_warning_with_its_reason(self):
        with mock.patch.dict(sys.modules, {"_c10k": None}):
            sys.modules.pop("c10k", None)
            found = checks.check_extension()
        self.assertEqual(ids(found), ["c10ktools.W003"])
        self.assertIn(f"is not installed for this Python, {platform.python_version()} ({sys.executable})", found[0].msg)

    def test_an_extension_of_another_python_or_a_broken_one_is_named(self):
        package = pathlib.Path(checks.__file__).resolve().parent.parent  # without an extension
        for name, text in (
            ("_c10k.cpython-39-x86_64-linux-gnu.so", "is built for another Python ({file}). Install c10k with this Python"),
            ("_c10k.abi3.so", "cannot be loaded: {file}: file too short"),
        ):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, name)
                file.touch()
                env = {**os.environ, "PYTHONPATH": f"{folder}:{package}"}
                command = [sys.executable, "-m", "c10k", "--version"]
                said = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder).stderr
                self.assertIn("ImportError: The engine of c10k " + text.format(file=file), said)

    def test_the_checks_run_with_manage_py_check(self):
        command = [sys.executable, "-m", "django", "check"]
        result = subprocess.run(command, env={**environment(), "C10K_TEST_SETTINGS": '{"C10K_VIEW_LANES": 0}'},
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("(c10ktools.E002)", result.stderr)
