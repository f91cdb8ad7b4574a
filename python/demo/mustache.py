"""Templates of Mustache, as far as the demo's pages need them: variables, which Django writes alike, and partials."""

import re

from django.template.loaders import filesystem

PARTIAL = re.compile(r"\{\{>\s*([\w/]+)\s*\}\}")


class Loader(filesystem.Loader):
    """Reads templates from the folders of the setting, and turns ``{{>site/head}}`` into an include of Django's."""

    def get_contents(self, origin):
        return PARTIAL.sub(r'{% include "\1.html" %}', super().get_contents(origin))
