// Sound at another rate: every sample of the result is a weighted sum of the source's around it. Weights, phases and
// places come from the runtime (runtime/src/features/Resample.cpp), which has the filter.
#include <Halide.h>

namespace {

using namespace Halide;

class Resample : public Generator<Resample> {
public:
  static constexpr int lanes = 8; // of a sum, on every machine: the same order of additions everywhere

  Input<Buffer<float, 1>> source{"source"};   // with zeros around it, half a filter on either side
  Input<Buffer<float, 2>> weights{"weights"}; // [taps, phases + 1], taps a multiple of 8
  // Places repeat after a period of the result, `step` samples of the source further on. For each place of a period:
  Input<Buffer<int32_t, 1>> first{"first"}; // the first sample under the filter,
  Input<Buffer<int32_t, 1>> phase{"phase"}; // which weights,
  Input<Buffer<float, 1>> blend{"blend"};   // and how much of those of the next phase.
  Input<int32_t> step{"step"};
  Output<Buffer<float, 1>> out{"out"};

  void generate() {
    const Expr taps = weights.dim(0).extent(), period = first.dim(0).extent(), place = n % period;
    // Clamps for bounds inference: right tables never reach them.
    start(n) = clamp(n / period * step + first(place), 0, source.dim(0).extent() - taps);
    row(n) = clamp(phase(place), 0, weights.dim(1).extent() - 2);
    RDom group(0, taps / lanes, "group");
    sum(lane, side, n) = 0.0f;
    const Expr tap = lanes * group + lane;
    sum(lane, side, n) += source(start(n) + tap) * weights(tap, row(n) + side);
    const Expr here = total(0), next = total(1);
    out(n) = here + blend(place) * (next - here);

    source.dim(0).set_min(0);
    weights.dim(0).set_min(0);
    weights.dim(1).set_min(0);
    first.dim(0).set_min(0);
    phase.dim(0).set_bounds(0, period);
    blend.dim(0).set_bounds(0, period);
    out.dim(0).set_min(0);
    schedule(group);
  }

private:
  Var lane{"lane"}, side{"side"}, n{"n"};
  Func start{"start"}, row{"row"}, sum{"sum"};

  Expr total(int at) {
    auto pair = [&](int a, int b) { return sum(a, at, n) + sum(b, at, n); };
    return (pair(0, 4) + pair(2, 6)) + (pair(1, 5) + pair(3, 7));
  }

  void schedule(const RDom &group) {
    const int together = 4, task = 1024; // sums of four places hide the latency of an addition
    Var tasks("tasks"), inTask("inTask"), tiles("tiles"), inTile("inTile");
    out.split(n, tasks, inTask, task, TailStrategy::GuardWithIf).parallel(tasks);
    out.split(inTask, tiles, inTile, together).unroll(inTile);
    for (Func *func : {&start, &row})
      func->compute_at(out, tiles).store_in(MemoryType::Register).bound_extent(n, together).unroll(n);
    sum.compute_at(out, tiles).store_in(MemoryType::Register).vectorize(lane, lanes).unroll(side).unroll(n);
    sum.bound_extent(lane, lanes).bound_extent(side, 2).bound_extent(n, together);
    sum.update().reorder(lane, side, n, group).vectorize(lane, lanes).unroll(side).unroll(n);
  }
};

} // namespace

HALIDE_REGISTER_GENERATOR(Resample, resample)
