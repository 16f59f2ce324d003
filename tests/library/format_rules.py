"""The rules of each format that scripts/package writes, as far as they concern such a library. Each function yields what is wrong.

Arduino: the library specification, and arduino-lint's rules for libraries, strict. PlatformIO: its manifest schema. ESP-IDF: the
component manager's manifest. Zephyr: module-schema, twister's suites, Kconfig. CMSIS-Pack: PACK.xsd 1.7."""

import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import yaml

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
WEB = re.compile(r"https?://[\w.-]+(/[\w./-]*)?")
CATEGORIES = {"Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage",
              "Data Processing", "Other"}
ARDUINO_REQUIRED = ["name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"]
ARDUINO_OPTIONAL = ["depends", "dot_a_linkage", "includes", "precompiled", "ldflags"]


def arduino(folder):
    lines = (folder / "library.properties").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for key in ARDUINO_REQUIRED:
        if not values.get(key):
            yield f"library.properties: {key} is missing"
    for key in set(values) - set(ARDUINO_REQUIRED + ARDUINO_OPTIONAL):
        yield f"library.properties: {key} is not known"
    name = values.get("name", "")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,31}", name) or re.search(r"^arduino|library", name, re.I):
        yield f"library.properties: name '{name}'"
    if not SEMVER.fullmatch(values.get("version", "")):
        yield "library.properties: version is not semantic"
    if values.get("category") not in CATEGORIES:
        yield "library.properties: category is none of Arduino's"
    if not WEB.fullmatch(values.get("url", "")):
        yield "library.properties: url"
    if re.search(r"\blibrary\b", values.get("sentence", ""), re.I) or not values.get("sentence", "").endswith("."):
        yield "library.properties: sentence"
    if values.get("paragraph", "").startswith(values.get("sentence", "?")):
        yield "library.properties: paragraph repeats the sentence"
    for header in values.get("includes", "").split(","):
        if header and not (folder / "src" / header).is_file():
            yield f"library.properties: includes {header}, which is not in src"
    yield from arduino_layout(folder)


def arduino_layout(folder):
    if not list((folder / "src").glob("*.h")):
        yield "src: no header by which a sketch finds the library"
    for name in ("utility", ".development", "Examples", "example", "Src", "SRC", "extra"):
        if (folder / name).exists() and name in {path.name for path in folder.iterdir()}:
            yield f"{name} is not allowed"
    if [path for path in folder.iterdir() if path.suffix in (".cpp", ".c", ".h", ".hpp", ".ino", ".pde")]:
        yield "sources beside src"
    if [path for path in folder.rglob("*") if path.is_symlink() or path.name in (".gitmodules", ".git") or path.suffix == ".exe"]:
        yield "a link, a submodule or a program"
    if not [path for path in folder.iterdir() if re.fullmatch(r"readme(\.\w+)?", path.name, re.I)]:
        yield "no readme"
    examples = [path for path in (folder / "examples").iterdir() if path.is_dir()]
    for path in examples:
        if not (path / f"{path.name}.ino").is_file():
            yield f"examples/{path.name} has no {path.name}.ino"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", path.name):
            yield f"examples/{path.name}: the name"
    if not examples:
        yield "no example"
    for line in (folder / "keywords.txt").read_text().splitlines():
        if not re.fullmatch(r"[A-Za-z_]\w*\t(KEYWORD[123]|LITERAL[12])", line):
            yield f"keywords.txt: '{line}'"


PLATFORMIO_KEYS = {"name", "version", "description", "keywords", "homepage", "repository", "authors", "license", "frameworks",
                   "platforms", "headers", "examples", "dependencies", "export", "scripts", "build"}
PLATFORMIO_BUILD = {"flags", "unflags", "includeDir", "srcDir", "srcFilter", "extraScript", "libArchive", "libLDFMode", "libCompatMode",
                    "builder"}


def platformio(folder):
    manifest = json.loads((folder / "library.json").read_text())
    for key in set(manifest) - PLATFORMIO_KEYS:
        yield f"library.json: {key} is not known"
    if not re.fullmatch(r"[^:;/,@<>]{1,100}", manifest.get("name", "")):
        yield "library.json: name"
    if not SEMVER.fullmatch(manifest.get("version", "")):
        yield "library.json: version"
    if not 1 <= len(manifest.get("description", "")) <= 255:
        yield "library.json: description"
    for word in manifest.get("keywords", []):
        if not re.fullmatch(r"[a-z\d_+. -]{1,50}", word):
            yield f"library.json: keyword '{word}'"
    if not WEB.fullmatch(manifest.get("homepage", "")):
        yield "library.json: homepage"
    if any(not author.get("name") or set(author) - {"name", "email", "maintainer", "url"} for author in manifest.get("authors", [{}])):
        yield "library.json: authors"
    for key in ("frameworks", "platforms"):
        listed = manifest.get(key)
        if any(not re.fullmatch(r"[a-z0-9_*-]+", word) for word in ([listed] if isinstance(listed, str) else listed or ["?"])):
            yield f"library.json: {key}"
    for header in manifest.get("headers", []):
        if not (folder / "src" / header).is_file():
            yield f"library.json: header {header} is not in src"
    for example in manifest.get("examples", []):
        if any(not (folder / example["base"] / name).is_file() for name in example["files"]):
            yield f"library.json: example {example['name']} is not there"
    build = manifest.get("build", {})
    for key in set(build) - PLATFORMIO_BUILD:
        yield f"library.json: build.{key} is not known"
    if any(not (folder / build.get(key, "?")).is_dir() for key in ("includeDir", "srcDir")):
        yield "library.json: a folder of build"


IDF_KEYS = {"version", "description", "url", "license", "maintainers", "tags", "targets", "repository", "repository_info", "documentation",
            "issues", "discussion", "files", "examples", "dependencies"}
IDF_DEPENDENCY = {"version", "public", "path", "git", "registry_url", "override_path", "require", "pre_release", "rules", "matches"}


def esp_idf(folder, is_component=True):
    path = folder / "idf_component.yml"
    manifest = yaml.safe_load(path.read_text())
    for key in set(manifest) - IDF_KEYS:
        yield f"{path.name}: {key} is not known"
    if is_component and not re.fullmatch(SEMVER.pattern + r"(~\d+)?", str(manifest.get("version", ""))):
        yield f"{path.name}: version"
    if is_component and not (manifest.get("description") and WEB.fullmatch(manifest.get("url", ""))):
        yield f"{path.name}: description and url are wanted at an upload"
    tags = manifest.get("tags", [])
    if len(set(tags)) != len(tags) or any(not re.fullmatch(r"[a-z0-9_-]{3,32}", tag) for tag in tags):
        yield f"{path.name}: tags"
    for name, dependency in manifest.get("dependencies", {}).items():
        if not re.fullmatch(r"([A-Za-z0-9_-]+/)?[A-Za-z0-9]+([_-]?[A-Za-z0-9])*", name) or len(name) > 64:
            yield f"{path.name}: dependency {name}"
        if isinstance(dependency, dict):
            for key in set(dependency) - IDF_DEPENDENCY:
                yield f"{path.name}: {key} of dependency {name} is not known"
            if "override_path" in dependency and not (folder / dependency["override_path"] / "idf_component.yml").resolve().is_file():
                yield f"{path.name}: {name} is not at {dependency['override_path']}"
            if is_component and {"path", "git"} & set(dependency):
                yield f"{path.name}: {name} cannot be uploaded"
    for example in manifest.get("examples", []):
        project = folder / example["path"]
        if "project(" not in (project / "CMakeLists.txt").read_text() or not (project / "main/CMakeLists.txt").is_file():
            yield f"{path.name}: {example['path']} is no project"
        else:
            yield from esp_idf(project / "main", is_component=False)
    if is_component and "repository_info" in manifest and "repository" not in manifest:
        yield f"{path.name}: repository_info without repository"


MODULE_BUILD = {"cmake", "kconfig", "cmake-ext", "kconfig-ext", "sysbuild-cmake", "sysbuild-kconfig", "sysbuild-cmake-ext",
                "sysbuild-kconfig-ext", "depends", "settings"}
MODULE = {"name", "build", "tests", "samples", "boards", "blobs", "security", "package-managers", "runners"}
SUITE = {"tags", "integration_platforms", "platform_allow", "platform_exclude", "harness", "harness_config", "extra_args", "extra_configs",
         "build_only", "filter", "min_ram", "min_flash", "timeout", "depends_on", "arch_allow", "arch_exclude"}


def zephyr(folder):
    module = yaml.safe_load((folder / "zephyr/module.yml").read_text())
    for key in (set(module) - MODULE) | (set(module["build"]) - MODULE_BUILD):
        yield f"module.yml: {key} is not known"
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", module.get("name", "")):
        yield "module.yml: name"
    if not (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file():
        yield "module.yml: cmake is the folder of a CMakeLists.txt"
    if not (folder / module["build"]["kconfig"]).is_file():
        yield "module.yml: kconfig is a file"
    for samples in module.get("samples", []):
        suites = list((folder / samples).rglob("tests.yaml"))
        if not suites:
            yield f"module.yml: no tests.yaml below {samples}"
        for path in suites:
            yield from twister_suite(path)


def twister_suite(path):
    suite = yaml.safe_load(path.read_text())
    for key in set(suite) - {"tests", "sample", "common"}:
        yield f"tests.yaml: {key} is not known"
    if not suite.get("tests"):
        yield "tests.yaml: no tests"
    if set(suite.get("sample", {})) - {"name", "description"} or not suite.get("sample", {}).get("name"):
        yield "tests.yaml: a sample has a name and a description"
    for name, test in {"common.common": suite.get("common", {}), **(suite.get("tests") or {})}.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name):
            yield f"tests.yaml: the name {name}"
        for key in set(test) - SUITE:
            yield f"tests.yaml: {key} of {name} is not known"
        if test.get("harness") == "console" and test["harness_config"].get("type") not in ("one_line", "multi_line"):
            yield f"tests.yaml: harness of {name}"
    for name in ("CMakeLists.txt", "prj.conf"):
        if not (path.parent / name).is_file():
            yield f"{path.parent.name}: no {name}"
    if "find_package(Zephyr REQUIRED" not in (path.parent / "CMakeLists.txt").read_text():
        yield f"{path.parent.name}: no application of Zephyr's"


MOCKS = """
function(idf_component_register)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "KCONFIG" "SRCS;INCLUDE_DIRS;REQUIRES;PRIV_REQUIRES")
  message("left=${arg_UNPARSED_ARGUMENTS}")
  foreach(name IN LISTS arg_SRCS)
    message("source=${component}/${name}")
  endforeach()
  foreach(name IN LISTS arg_INCLUDE_DIRS)
    message("include=${component}/${name}")
  endforeach()
endfunction()
function(zephyr_library_sources)
  foreach(name IN LISTS ARGN)
    message("source=${name}")
  endforeach()
endfunction()
function(zephyr_include_directories)
  message("include=${ARGN}")
endfunction()
foreach(name target_compile_options target_compile_definitions zephyr_library_compile_options zephyr_library_named zephyr_compile_definitions
        zephyr_library_link_libraries)
  cmake_language(EVAL CODE "function(${name})\\nmessage(\\"${name}=\\${ARGN}\\")\\nendfunction()")
endforeach()
"""


def cmake_file(folder, name, sources, *defines):
    """What CMake makes of a file, with the functions of ESP-IDF and Zephyr replaced by ones that print."""
    script = folder.parent / "mocks.cmake"
    script.write_text(MOCKS + "include(${component}/${file})\n")
    done = subprocess.run(["cmake", f"-Dcomponent={folder}", f"-Dfile={name}", *defines, "-P", script], capture_output=True, text=True)
    if done.returncode != 0:
        yield f"{name}: {done.stderr[-600:]}"
        return
    said = done.stderr.splitlines()
    listed = sorted(Path(line[7:]).resolve() for line in said if line.startswith("source="))
    if listed != sorted((folder / source).resolve() for source in sources):
        yield f"{name}: {len(listed)} sources, {len(sources)} are there"
    if [Path(line[8:]).resolve() for line in said if line.startswith("include=")] != [(folder / "src").resolve()]:
        yield f"{name}: src is not where headers are found"
    if not any("compile_options" in line and "-ffp-contract=off" in line for line in said):
        yield f"{name}: no flag against contraction"
    if any(line.startswith("left=") and line != "left=" for line in said):
        yield f"{name}: what ESP-IDF does not know"


PACK_ELEMENTS = {"name", "vendor", "description", "url", "dominate", "repository", "supportContact", "license", "licenseSets", "requirements",
                 "releases", "changelogs", "keywords", "generators", "devices", "boards", "parts", "taxonomy", "part-taxonomy", "apis",
                 "conditions", "examples", "clayers", "components"}
PACK_CORES = {"Cortex-M0", "Cortex-M0+", "Cortex-M1", "Cortex-M3", "Cortex-M4", "Cortex-M7", "Cortex-M23", "Cortex-M33", "Cortex-M35P",
              "Cortex-M52", "Cortex-M55", "Cortex-M85"}
PACK_COMPILERS = {"GCC", "CLANG", "ARMCC", "IAR", "Renesas", "XC", "G++", "GHS", "Cosmic", "Tasking"}
PACK_CATEGORIES = {"doc", "header", "include", "library", "object", "source", "sourceAsm", "sourceC", "sourceCpp", "linkerScript", "utility",
                   "image", "other", "preIncludeGlobal", "preIncludeLocal"}


def cmsis_pack(folder, sources):
    files = list(folder.glob("*.pdsc"))
    if len(files) != 1:
        yield f"{len(files)} descriptions of a pack"
        return
    root = ElementTree.parse(files[0]).getroot()
    texts = {element.tag: (element.text or "").strip() for element in root}
    if root.tag != "package" or not re.fullmatch(r"\d+\.\d+(\.\d+)?", root.get("schemaVersion", "")):
        yield "pdsc: no package of a schema"
    for tag in ("name", "vendor"):
        if not re.fullmatch(r"[\-_A-Za-z0-9]+", texts.get(tag, "")):
            yield f"pdsc: {tag}"
    if files[0].name != f"{texts.get('vendor')}.{texts.get('name')}.pdsc":
        yield f"pdsc: {files[0].name} is not named after vendor and name"
    tags = [element.tag for element in root]
    if set(tags) - PACK_ELEMENTS or len(set(tags)) != len(tags):
        yield f"pdsc: elements {set(tags) - PACK_ELEMENTS}, or one twice"
    if not texts.get("description") or len(texts["description"]) > 256 or not WEB.fullmatch(texts.get("url", "")):
        yield "pdsc: description and url"
    releases = root.findall("releases/release")
    if not releases or any(not SEMVER.fullmatch(release.get("version", "")) for release in releases):
        yield "pdsc: releases"
    yield from pack_conditions(root)
    yield from pack_components(root, folder, sources)


def pack_conditions(root):
    known = {element.get("id") for element in root.findall("conditions/condition")}
    used = {element.get("condition") for element in root.iter() if element.get("condition")}
    if used - known:
        yield f"pdsc: conditions {used - known} are nowhere"
    for element in root.findall("conditions/condition/*"):
        if element.tag not in ("accept", "require", "deny"):
            yield f"pdsc: {element.tag} in a condition"
        if element.get("Dcore", "Cortex-M0") not in PACK_CORES or element.get("Tcompiler", "GCC") not in PACK_COMPILERS:
            yield f"pdsc: {element.attrib} is not known"


def pack_components(root, folder, sources):
    listed = []
    for component in root.findall("components/component"):
        for attribute in ("Cclass", "Cgroup", "Cversion"):
            if len(component.get(attribute, "")) < 2:
                yield f"pdsc: a component without {attribute}"
        if component.find("description") is None or not component.findall("files/file"):
            yield "pdsc: a component has a description and files"
        for file in component.findall("files/file"):
            name, category = file.get("name", ""), file.get("category")
            listed.append(name)
            if category not in PACK_CATEGORIES:
                yield f"pdsc: category {category}"
            if not (folder / name).exists() or (category == "include") != name.endswith("/"):
                yield f"pdsc: {name} as {category}"
    if sorted(name for name in listed if name.endswith((".c", ".cpp"))) != sorted(sources):
        yield "pdsc: not all sources"
