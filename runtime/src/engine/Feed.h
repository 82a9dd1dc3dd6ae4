// What is to be fed: tokens, and between them rows that a tower made of a picture or a sound.
#ifndef GEMMAC_RUNTIME_FEED_H
#define GEMMAC_RUNTIME_FEED_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gemmac::runtime {

/// Soft tokens: rows of the text model's width, each in the place of a token.
struct SoftRows {
  int64_t width = 0;
  std::vector<float> values; ///< [count, width]
  bool block = false;        ///< they see each other, and go through prefill_block in one call

  size_t count() const { return width > 0 ? values.size() / static_cast<size_t>(width) : 0; }
  std::span<const float> row(size_t index) const {
    return std::span(values).subspan(index * static_cast<size_t>(width), static_cast<size_t>(width));
  }
  /// What stands for the rows where tokens are counted and compared: negative numbers, made of a hash of all values.
  /// The same rows have the same ids, others have others.
  std::vector<int32_t> ids() const;
};

struct SoftPart {
  size_t at; ///< place of its first row among the tokens
  std::shared_ptr<const SoftRows> rows;
  size_t end() const { return at + rows->count(); }
};

/// Tokens with the rows that belong to the negative ones.
struct SoftPrompt {
  std::vector<int32_t> tokens;
  std::vector<SoftPart> parts; ///< by place

  void append(std::shared_ptr<const SoftRows> rows);
  bool empty() const { return tokens.empty(); }
  size_t size() const { return tokens.size(); }
};

/// A view of tokens and their rows, or of a part of both.
class Feed {
public:
  Feed() = default;
  Feed(std::span<const int32_t> tokens, std::span<const SoftPart> parts = {}) : ids(tokens), parts(parts) {}
  Feed(std::span<int32_t> tokens) : ids(tokens) {}
  Feed(const std::vector<int32_t> &tokens) : ids(tokens) {}
  Feed(const SoftPrompt &prompt) : ids(prompt.tokens), parts(prompt.parts) {}

  bool empty() const { return ids.empty(); }
  size_t size() const { return ids.size(); }
  int32_t operator[](size_t index) const { return ids[index]; }
  int32_t back() const { return ids.back(); }
  std::span<const int32_t> tokens() const { return ids; }
  auto begin() const { return ids.begin(); }
  auto end() const { return ids.end(); }
  Feed first(size_t count) const { return {ids.first(count), parts, before}; }
  Feed subspan(size_t from) const { return {ids.subspan(from), parts, before + from}; }

  /// The soft row in the place of a token; empty where there is none.
  std::span<const float> row(size_t index) const;

  /// What goes into one call from `from` on.
  struct Piece {
    size_t rows;
    bool block; ///< a whole one, whose rows see each other; else none of its rows is of a block
  };
  /// \param most  rows of a call, which a block may exceed.
  Piece piece(size_t from, size_t most) const;
  /// `count`, or where the block begins that the token `count` would part.
  size_t wholeBlocks(size_t count) const;

private:
  Feed(std::span<const int32_t> tokens, std::span<const SoftPart> parts, size_t before)
      : ids(tokens), parts(parts), before(before) {}

  std::span<const int32_t> ids;
  std::span<const SoftPart> parts; // their places count from `before` tokens before the first of `ids`
  size_t before = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_FEED_H
