"""croissant.json: the data set for catalogues, in the Croissant 1.1 vocabulary of MLCommons.

It names the files and where they are from. It describes no columns: readers of Croissant take no
nested rows, and `datasets`, DuckDB and pandas read the Parquet as it is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.exporters.manifest import Manifest

NAME = "croissant.json"
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "parquet": "application/vnd.apache.parquet",
        "jsonl": "application/jsonlines",
        "json": "application/json",
        "md": "text/markdown",
        "py": "text/x-python",
        "toml": "application/toml",
        "yaml": "application/yaml",
    }
)
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(made: Manifest, about: str, files: Mapping[str, str]) -> str:
    """The file, for `files` by path with their sha256; no time of day is in it."""
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": made.name,
        "description": about,
        "version": made.version,
        "license": made.recipe.license,
        "keywords": ["headrace", made.objective, "agent", "tool-use"],
        "isLiveDataset": False,
        "distribution": [_file(path, sha256) for path, sha256 in sorted(files.items())],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def _file(path: str, sha256: str) -> dict[str, str]:
    ending = path.rpartition(".")[2]
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": _TYPES.get(ending, "text/plain"),
        "sha256": sha256,
    }
