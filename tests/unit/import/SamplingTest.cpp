// generation_config.json.
#include "ImportTest.h"
#include "compiler/import/SamplingReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

SamplingFile readFile(const Json &config) {
  std::vector<std::string> notes;
  SamplingFile file = valueOf(readSampling("g.json", config.dump(), 300, notes));
  EXPECT_TRUE(notes.empty());
  return file;
}
SamplingConfig read(const Json &config) { return readFile(config).sampling; }
std::string error(const Json &config) {
  std::vector<std::string> notes;
  return errorOf(readSampling("g.json", config.dump(), 300, notes));
}

TEST(Sampling, published) {
  auto [sampling, stops] = readFile({{"bos_token_id", 2},
                                     {"do_sample", true},
                                     {"eos_token_id", {1, 106, 50}},
                                     {"pad_token_id", 0},
                                     {"temperature", 1.0},
                                     {"top_k", 64},
                                     {"top_p", 0.95},
                                     {"suppress_tokens", {283, 282}},
                                     {"transformers_version", "5.5.0"}});
  EXPECT_EQ(sampling.temperature, 1.0);
  EXPECT_EQ(sampling.topK, 64);
  EXPECT_EQ(sampling.topP, 0.95);
  EXPECT_TRUE(areEqual(stops.ids, {1, 106, 50}));
  EXPECT_TRUE(areEqual(sampling.suppressIds, {283, 282}));
}

TEST(Sampling, defaults) {
  SamplingConfig sampling = read(Json::object());
  EXPECT_EQ(sampling.temperature, 0.0);
  EXPECT_EQ(sampling.topP, 1.0);
  EXPECT_TRUE(readFile(Json::object()).stops.ids.empty());
  EXPECT_EQ(read({{"do_sample", false}, {"temperature", 0.7}}).temperature, 0.0);
  EXPECT_EQ(read({{"do_sample", true}}).temperature, 1.0);
  EXPECT_EQ(read({{"do_sample", true}}).topK, 50);
  EXPECT_TRUE(areEqual(readFile({{"eos_token_id", 7}}).stops.ids, {7}));
  ListedIds stops = readFile({{"eos_token_id", {7, 300, -1, 7, 5, 300}}}).stops;
  EXPECT_TRUE(areEqual(stops.ids, {7, 5}));
  EXPECT_TRUE(areEqual(stops.beyond, {300}));
  EXPECT_TRUE(areEqual(read({{"suppress_tokens", {3, 400}}}).suppressIds, {3}));
  EXPECT_TRUE(read({{"eos_token_id", nullptr}, {"suppress_tokens", nullptr}}).suppressIds.empty());
}

TEST(Sampling, wrong) {
  EXPECT_TRUE(contains(error({{"temperature", "hot"}}), "'temperature' is 'hot', expected a number"));
  EXPECT_TRUE(contains(error({{"temperature", -1}}), "'temperature' is -1"));
  EXPECT_TRUE(contains(error({{"top_p", 1.5}}), "'top_p' is 1.5"));
  EXPECT_TRUE(contains(error({{"top_k", -1}}), "'top_k' is -1"));
  EXPECT_TRUE(contains(error({{"do_sample", 1}}), "expected true or false"));
  EXPECT_TRUE(contains(error({{"eos_token_id", "1"}}), "'eos_token_id' is '1', expected a token id"));
  EXPECT_TRUE(contains(error({{"eos_token_id", {1, "x"}}}), "one of them is 'x'"));
  EXPECT_TRUE(contains(error({{"suppress_tokens", {1.5}}}), "one of them is 1.5"));
  EXPECT_TRUE(contains(error(Json::array()), "expected an object"));
}

TEST(Sampling, notesWhatTheProgramDoesNotHave) {
  std::vector<std::string> notes;
  valueOf(readSampling("g.json", R"({"num_beams": 4, "stop_strings": null})", 300, notes));
  EXPECT_TRUE(eachContains(notes, {"field 'num_beams' is left out"}));
}

} // namespace
