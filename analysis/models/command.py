"""python -m analysis export MODEL FOLDER: check a model file and export it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.models.compact import save_compact
from analysis.models.describe import describe
from analysis.models.network import load_model
from analysis.models.onnx_graph import export_onnx


def command(argv: Sequence[str]) -> int:
    """`python -m analysis export MODEL FOLDER`: describe a model and export it."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis export", description="Check a model file and export it."
    )
    parser.add_argument("model", type=Path, help=".pt, .onnx, .safetensors or an OpenVINO folder")
    parser.add_argument("folder", type=Path, help="where the exported graph goes")
    parser.add_argument("--imgsz", type=int, help="longest side in pixels to note in the export")
    parser.add_argument("--end-to-end", action="store_true", help="export the NMS-free head")
    parser.add_argument("--compact", type=Path, help="also write a compact .safetensors here")
    options = parser.parse_args(argv)
    try:
        described = asdict(describe(options.model))
        graph = export_onnx(
            options.model, options.folder, options.imgsz, end_to_end=options.end_to_end
        )
        if options.compact:
            save_compact(load_model(options.model), options.compact, imgsz=options.imgsz)
    except AnalysisError as e:
        parser.exit(1, f"{e.message}\n")
    print(json.dumps({**described, "graph": str(graph)}, indent=2, ensure_ascii=False))
    return 0
