from django.apps import AppConfig
from django.core import checks


class C10kToolsConfig(AppConfig):
    """WebSocket views, ``runserver`` and its checks."""

    name = "c10ktools"
    verbose_name = "c10k"

    def ready(self) -> None:
        from . import checks as our_checks

        checks.register(our_checks.check_installed_apps)
        checks.register(our_checks.check_settings)
        checks.register(our_checks.check_applications)
        checks.register(our_checks.check_extension)
