# lit configuration: `gemmac-opt` and `gemmac` from the build, FileCheck from LLVM 22.
import os
import lit.formats

config.name = "gemmac"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
build = os.environ.get("GEMMAC_BUILD", os.path.join(config.test_source_root, "..", "..", "build"))
config.test_exec_root = os.path.join(build, "tests", "lit")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(build, "bin"), "/usr/lib/llvm-22/bin", config.environment.get("PATH", os.environ["PATH"])]
)
config.substitutions.append(("%examples", os.path.join(config.test_source_root, "..", "..", "examples")))
config.substitutions.append(("%build", build))
