// gemma.step.relative_attention: a row and the few that lie around it.
#include "targets/cpu/kernels/SplitAttention.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

namespace {

/// Emits the attention of one head of one row after the other.
class RelativeAttentionKernel {
public:
  explicit RelativeAttentionKernel(gemma::RelativeAttentionStep step)
      : rowBytes(step.getQuery().getType().getRowBytes()), width(step.getQuery().getType().getWidth()),
        flagBytes(step.getValid().getType().getRowBytes() * static_cast<int64_t>(step.getEvery())),
        heads(step.getHeads()), padded(roundUp(step.getHeadDim(), lanes)), past(step.getPast()),
        future(step.getFuture()), distances(step.getDistances()), keyScale(step.getKeyScale().convertToDouble()),
        cap(step.getCap().convertToDouble()) {}

  std::string name() const {
    return llvm::formatv("relative_attention_h{0}_d{1}_w{2}_f{3}_p{4}_n{5}_r{6}_{7}_{8}", heads, padded, width,
                         flagBytes, past, future, distances, bitsText(keyScale), bitsText(cap));
  }

  /// (query, key, value, relative, valid, result, scale; first, last, rows)
  void emit(KernelBuilder &builder, ValueRange a) {
    b = &builder;
    query = b->stack(padded * 4);
    scores = b->stack(slots() * 4);
    b->loop(a[7], a[8], 1, [&](Value row) {
      Value begin = b->maxSigned(b->sub(row, b->i64(past - 1)), b->i64(0));
      Value end = b->minSigned(b->add(row, std::max<int64_t>(future, 1)), a[9]);
      b->loop(b->i64(0), b->i64(heads), 1, [&](Value head) {
        SmallVector<Value> parts(a.begin(), a.begin() + 6);
        for (Value &part : parts)
          part = &part == &parts[4] ? part : b->at(part, b->mul(head, padded * 4));
        attend(parts, a[6], row, begin, end);
      });
      for (int64_t i = heads * padded; i < width; i += lanes)
        b->store(b->splat(b->vecF32(), 0.0), b->at(rowOf(a[5], row), i * 4));
    });
  }

private:
  static constexpr double unseen = -3.0e38, seenAbove = -1.0e38;

  int64_t rowBytes, width, flagBytes, heads, padded, past, future, distances;
  double keyScale, cap;
  KernelBuilder *b = nullptr;
  Value query, scores; ///< of the row, in stack slots

  /// Scores of the rows that may be seen; that of row `other` at place other - row + past - 1.
  int64_t slots() const { return roundUp(past + future, lanes); }
  Value rowOf(Value buffer, Value row) { return b->at(buffer, b->mul(row, rowBytes)); }
  Value slot(Value row, Value other) { return b->at(scores, b->mul(b->add(b->sub(other, row), past - 1), 4)); }

  void attend(ArrayRef<Value> parts, Value scale, Value row, Value begin, Value end) {
    b->loop(b->i64(0), b->i64(padded * 4), vecBytes, [&](Value offset) {
      Value x = b->loadVec(b->at(rowOf(parts[0], row), offset));
      b->store(b->mulf(x, b->loadVec(b->at(scale, offset))), b->at(query, offset));
    });
    b->loop(b->i64(0), b->i64(slots() * 4), vecBytes,
            [&](Value offset) { b->store(b->splat(b->vecF32(), unseen), b->at(scores, offset)); });
    Value next = b->add(row, 1);
    b->loop(begin, next, 1, [&](Value other) { score(parts, row, other, /*behind=*/true); });
    if (future > 1)
      b->loop(next, end, 1, [&](Value other) { score(parts, row, other, /*behind=*/false); });
    Value inverse = softmax();
    b->loop(b->i64(0), b->i64(padded * 4), vecBytes, [&](Value offset) {
      Value zero = b->splat(b->vecF32(), 0.0), values = b->at(parts[2], offset);
      auto sum = b->loop(begin, end, 1, ValueRange{zero}, [&](Value other, ValueRange state) {
        Value power = b->broadcast(b->load(b->getF32Type(), slot(row, other)));
        return KernelBuilder::Values{b->fma(b->loadVec(rowOf(values, other)), power, state[0])};
      });
      b->store(b->mulf(sum[0], inverse), b->at(rowOf(parts[5], row), offset));
    });
  }

  Value dot(Value other) {
    Value zero = b->splat(b->vecF32(), 0.0);
    auto sums = b->loop(b->i64(0), b->i64(padded * 4), vecBytes, ValueRange{zero}, [&](Value i, ValueRange state) {
      return KernelBuilder::Values{b->fma(b->loadVec(b->at(other, i)), b->loadVec(b->at(query, i)), state[0])};
    });
    return b->sumLanes(sums[0]);
  }

  /// Writes the score of a row that is seen, before the cap.
  void score(ArrayRef<Value> parts, Value row, Value other, bool behind) {
    Value flag = b->load(b->getI32Type(), b->at(parts[4], b->mul(other, flagBytes)));
    Value isValid = arith::CmpIOp::create(*b, arith::CmpIPredicate::ne, flag, b->i32(0));
    b->ifThen(isValid, [&] {
      Value sum = b->mulf(dot(rowOf(parts[1], other)), b->f32(static_cast<float>(keyScale)));
      if (behind)
        sum = b->addf(sum, dot(rowOf(parts[3], b->minSigned(b->sub(row, other), b->i64(distances)))));
      b->store(sum, slot(row, other));
    });
  }

  /// Turns scores into powers. \returns what the sums are multiplied with.
  Value softmax() {
    Value lowest = b->splat(b->vecF32(), unseen), zero = b->splat(b->vecF32(), 0.0);
    Value bound = b->splat(b->vecF32(), seenAbove);
    auto isSeen = [&](Value x) -> Value { return arith::CmpFOp::create(*b, arith::CmpFPredicate::OGT, x, bound); };
    Value last = b->i64(slots() * 4);
    auto largest = b->loop(b->i64(0), last, vecBytes, ValueRange{lowest}, [&](Value offset, ValueRange state) {
      Value x = b->loadVec(b->at(scores, offset)), capped = b->select(isSeen(x), b->softcap(x, cap), lowest);
      b->store(capped, b->at(scores, offset));
      return KernelBuilder::Values{b->maxf(capped, state[0])};
    });
    Value top = b->broadcast(b->maxLanes(largest[0]));
    auto sums = b->loop(b->i64(0), last, vecBytes, ValueRange{zero}, [&](Value offset, ValueRange state) {
      Value x = b->loadVec(b->at(scores, offset));
      Value power = b->select(isSeen(x), SplitAttention::powerOf(*b, b->subf(x, top)), zero);
      b->store(power, b->at(scores, offset));
      return KernelBuilder::Values{b->addf(state[0], power)};
    });
    Value total = b->broadcast(b->sumLanes(sums[0]));
    Value isAny = arith::CmpFOp::create(*b, arith::CmpFPredicate::OGT, total, zero);
    return b->select(isAny, b->divf(b->splat(b->vecF32(), 1.0), total), zero);
  }
};

} // namespace

LogicalResult lower(gemma::RelativeAttentionStep step, StepLowering &lowering) {
  RelativeAttentionKernel kernel(step);
  auto body = [&](KernelBuilder &b, ValueRange a) { kernel.emit(b, a); };
  func::FuncOp function = lowering.kernels.get(kernel.name(), 7, 3, body);
  auto [first, last] = lowering.rowRange(/*replicated=*/false, step.getResult());
  SmallVector<Value> arguments;
  for (Value buffer :
       {step.getQuery(), step.getKey(), step.getValue(), step.getRelative(), step.getValid(), step.getResult()})
    arguments.push_back(lowering.pointer(buffer));
  arguments.append({lowering.weight(step.getScale()), first, last, lowering.rowsOf(step.getResult())});
  return lowering.callKernel(function, arguments);
}

} // namespace gemmac
