"""A dashboard that needs no network: the libraries that asv's pages would fetch are put beside them.

python offline.py        # in this folder, after asv publish; needs npm
"""

import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
HTML, NPM = HERE / ".asv" / "html", HERE / ".asv" / "npm"

PACKAGES = (
    "jquery@3.3.1",
    "flot@0.8.3",
    "flot-orderbars@1.0.0",
    "stupid-table-plugin@1.1.3",
    "blueimp-md5@2.19.0",
    "bootstrap@3.1.1",
)
# The end of each address that the pages fetch, and the same file in those packages.
FILES = {
    "jquery-3.3.1.min.js": "jquery/dist/jquery.min.js",
    "jquery.flot.min.js": "flot/jquery.flot.js",
    "jquery.flot.time.min.js": "flot/jquery.flot.time.js",
    "jquery.flot.selection.min.js": "flot/jquery.flot.selection.js",
    "jquery.flot.categories.min.js": "flot/jquery.flot.categories.js",
    "jquery.flot.orderBars.js": "flot-orderbars/js/jquery.flot.orderBars.js",
    "stupidtable.min.js": "stupid-table-plugin/stupidtable.min.js",
    "md5.min.js": "blueimp-md5/js/md5.min.js",
    "bootstrap.min.js": "bootstrap/dist/js/bootstrap.min.js",
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
}
FONTS = "bootstrap/dist/fonts"
ASKS = re.compile(r'<(script|link)\b([^>]*?)\s(src|href)="https://[^"]*/([^"/]+)"[^>]*>')


def main():
    install()
    page = HTML / "index.html"
    page.write_text(local(page.read_text(encoding="utf-8")), encoding="utf-8")
    for file in FILES.values():
        target = HTML / "libraries" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(NPM / "node_modules" / file, target)
    shutil.copytree(NPM / "node_modules" / FONTS, HTML / "libraries" / FONTS, dirs_exist_ok=True)


def install():
    """Install the packages, unless they are there."""
    if all((NPM / "node_modules" / file).is_file() for file in FILES.values()):
        return
    NPM.mkdir(parents=True, exist_ok=True)
    options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run(["npm", "install", f"--prefix={NPM}", *options, *PACKAGES], check=True)


def local(page):
    """The page with every script and style taken from the folder `libraries`; KeyError for an unknown one."""

    def replaced(match):
        tag, attributes, name, file = match.groups()
        return f'<{tag}{attributes} {name}="libraries/{FILES[file]}">'

    return ASKS.sub(replaced, page)


if __name__ == "__main__":
    main()
