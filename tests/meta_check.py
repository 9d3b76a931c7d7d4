"""Checks META.json against PGXN's meta specification 1.0.0, as far as parity uses it.

    meta_check.py META.json VERSION
"""
import json
import os
import re
import sys

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$")
KNOWN = {"name", "version", "abstract", "maintainer", "license", "provides", "meta-spec", "description",
         "generated_by", "tags", "no_index", "prereqs", "release_status", "resources"}
LICENSES = {"agpl_3", "apache_1_1", "apache_2_0", "artistic_1", "artistic_2", "bsd", "freebsd", "gfdl_1_2",
            "gfdl_1_3", "gpl_1", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit", "mozilla_1_0", "mozilla_1_1",
            "openssl", "perl_5", "postgresql", "qpl_1_0", "ssleay", "sun", "zlib", "open_source", "restricted",
            "unrestricted", "unknown"}


def problems(meta, version, top):
    for field in ("name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"):
        if not meta.get(field):
            yield f"the mandatory field {field} is missing"
    for field in meta:
        if field not in KNOWN and not field.lower().startswith("x_"):
            yield f"unknown field {field}"
    if not re.fullmatch(r"[^\s/\\\x00-\x1f]{2,}", meta.get("name", "")):
        yield "name is no term"
    if meta.get("version") != version:
        yield f"version is {meta.get('version')}, but the control file says {version}"
    if not SEMVER.match(meta.get("version", "")):
        yield "version is not semantic"
    if meta.get("license") not in LICENSES:
        yield f"license {meta.get('license')!r} is not one of PGXN's"
    if meta.get("meta-spec", {}).get("version") != "1.0.0":
        yield "meta-spec is not of version 1.0.0"
    if meta.get("release_status", "stable") not in ("stable", "testing", "unstable"):
        yield "release_status is unknown"
    for name, provided in meta.get("provides", {}).items():
        for field in ("file", "version"):
            if field not in provided:
                yield f"provides.{name} has no {field}"
        if provided.get("version") != version:
            yield f"provides.{name}.version is {provided.get('version')}, but the control file says {version}"
        for field in ("file", "docfile"):
            if field in provided and not os.path.isfile(os.path.join(top, provided[field])):
                yield f"provides.{name}.{field} names no file: {provided[field]}"
    for phase, kinds in meta.get("prereqs", {}).items():
        if phase not in ("configure", "runtime", "build", "test", "develop"):
            yield f"prereqs.{phase} is no phase"
        for kind, needed in kinds.items():
            if kind not in ("requires", "recommends", "suggests", "conflicts"):
                yield f"prereqs.{phase}.{kind} is no relation"
            for name, least in needed.items():
                if least != 0 and not SEMVER.match(str(least)):
                    yield f"prereqs.{phase}.{kind}.{name}: {least} is not semantic"


def main():
    path, version = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        meta = json.load(file)
    found = list(problems(meta, version, os.path.dirname(os.path.abspath(path))))
    for problem in found:
        print(f"{path}: {problem}")
    if found:
        sys.exit(1)
    print(f"meta-check: {path} is valid, version {version}")


main()
