// Options that no plan can meet.
// RUN: not gemmac-opt %s --gemma-plan-caches="context=501" 2>&1 | FileCheck %s --check-prefix=LONG
// RUN: not gemmac-opt %s --gemma-plan-caches="context=-1" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not gemmac-opt %s --gemma-plan-caches="chunk=0" 2>&1 | FileCheck %s --check-prefix=CHUNK
// RUN: not gemmac-opt %s --gemma-plan-caches="verify-rows=0" 2>&1 | FileCheck %s --check-prefix=VERIFY
// RUN: not gemmac-opt %s --gemma-plan-caches="format=q6" 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not gemmac-opt %s --gemma-plan-caches="sliding-format=q6" 2>&1 | FileCheck %s --check-prefix=SLIDING
// RUN: not gemmac-opt %s --gemma-plan-caches="sliding-format=fp8" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// LONG: error: context is 501, but the model was made for at most 500 positions; give less
// NEGATIVE: error: context is -1, expected a number of positions
// CHUNK: error: chunk is 0, expected at least 1 row
// VERIFY: error: verify-rows is 0, expected at least 1 row
// FORMAT: error: format is 'q6', expected f32, f16, q8 or q4
// SLIDING: error: sliding-format is 'q6', expected f32, f16, q8 or q4
// UNKNOWN: for the --sliding-format option: 'fp8' is no storage format, expected f32,
module attributes {gemma.model = {context = 500 : i64}} {
}
