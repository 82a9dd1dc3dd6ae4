// The fuse stage: level 0 (GemmaTensorOps.td) to level 1 (GemmaFusedOps.td). Every fusion is exact: the same operations
// on the same values. What cannot be fused stays and gets a missed remark of the pass's own category.
#ifndef GEMMAC_PASSES_FUSE_PASSES_TD
#define GEMMAC_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

class FusePass<string flag> : Pass<flag, "::mlir::func::FuncOp"> {
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

def FuseQkv : FusePass<"gemma-fuse-qkv"> {
  let summary = "Input norm, projections, head norms, RoPE and the cache write become gemma.qkv";
  let description = [{
    ```mlir
    %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x8xf32>
    %q = gemma.linear %y, @q : tensor<?x8xf32> -> tensor<?x8xf32>          // then rms_norm @qn per head, rope: %query
    %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x4xf32>          // then rms_norm @kn per head, rope: %keys
    %v = gemma.linear %y, @v : tensor<?x8xf32> -> tensor<?x4xf32>          // then rms_norm per head: %values
    gemma.kv_write %keys, %values, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
    ```
    becomes one `gemma.qkv`, at the place of whichever of `kv_write` and the query's `rope` comes later; `v` is absent
    where the values are normed from the raw key projection. A layer without `kv_write` gives a `gemma.qkv` without
    cache. Left alone: an intermediate with another reader, heads of unlike sizes or rotations, norms of unlike eps, a
    query that is read before the cache is written, another access to the cache between the two.
  }];
}

def FuseAttend : FusePass<"gemma-fuse-attend"> {
  let summary = "Attention, output projection, post norm and residual add become gemma.attend";
  let description = [{
    `add(x, rms_norm(linear(attention(query))))` becomes `gemma.attend` at the place of the `add`. Left alone: an
    intermediate with another reader, a norm without weight or of several groups, a write to the same cache on the way.
  }];
}

def FuseFfn : FusePass<"gemma-fuse-ffn"> {
  let summary = "Pre norm, GeGLU MLP, post norm, residual add and a layer_scale that follows become gemma.ffn";
  let description = [{
    `add(x, rms_norm(linear(geglu(linear(y), linear(y)))))` with `y = rms_norm(x)` becomes `gemma.ffn`; a
    `layer_scale` that is the only reader of the sum becomes part of it. Left alone: an intermediate with another
    reader, a pre norm of something else than the residual stream, norms of unlike eps. Runs after gemma-fuse-moe,
    whose dense branch looks the same.
  }];
}

def FuseMoe : FusePass<"gemma-fuse-moe"> {
  let summary = "Dense MLP, router, experts, norms, residual add and a layer_scale that follows become gemma.moe";
  let description = [{
    `add(x, rms_norm(add(rms_norm(mlp(rms_norm(x))), rms_norm(experts(rms_norm(x), router(x))))))`
    becomes `gemma.moe`. Left alone: an intermediate with another reader, a branch that does not start from the
    residual stream, norms of unlike eps.
  }];
}

def FusePle : FusePass<"gemma-fuse-ple"> {
  let summary = "Per-layer embeddings: their input becomes gemma.ple_input, their use in a layer gemma.ple_mix";
  let description = [{
    `scale(add(rms_norm(scale(linear(x))), embed(ids)))` becomes `gemma.ple_input`;
    `add(x, rms_norm(linear(geglu(linear(x), slice(ple)))))`, with a `layer_scale` that follows, becomes
    `gemma.ple_mix`. Left alone: an intermediate with another reader, a slice whose offset is no multiple of its width.
  }];
}

def FuseHead : FusePass<"gemma-fuse-head"> {
  let summary = "Final norm, output matrix and softcap become gemma.head";
  let description = [{
    What the function returns, `linear(rms_norm(x))` with or without a `softcap` behind it, becomes `gemma.head`. Left
    alone: an intermediate with another reader, a norm without weight or of several groups.
  }];
}

def CheckFused : FusePass<"gemma-check-fused"> {
  let summary = "Refuse level-0 ops that no fusion took";
  let description = [{
    The plan stage takes level 1 and `gemma.embed`. Any other level-0 op is an error that names the op and the pass
    whose group it belongs to, found by the nearest op that only one pass takes.
  }];
}

#endif // GEMMAC_PASSES_FUSE_PASSES_TD
