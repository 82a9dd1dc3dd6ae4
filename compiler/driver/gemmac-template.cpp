// Renders chat templates, for tests that compare with Jinja: JSON cases on standard input, JSON results on standard
// output.
//   [{"template": "{{ a }}", "variables": {"a": 1}}, ...]  ->  [{"text": "1"} or {"error": "..."}, ...]
#include "compiler/import/Json.h"
#include "compiler/import/template/Template.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace gemmac;

static TemplateVariables render(const TemplateVariables &test) {
  llvm::Expected<ChatTemplate> parsed =
      ChatTemplate::parse("template", test.at("template").get_ref<const std::string &>());
  if (!parsed)
    return {{"error", llvm::toString(parsed.takeError())}};
  llvm::Expected<std::string> text = parsed->render(test.at("variables"));
  if (!text)
    return {{"error", llvm::toString(text.takeError())}};
  return {{"text", *text}};
}

static bool isCase(const TemplateVariables &test) {
  return test.is_object() && test.contains("template") && test["template"].is_string() && test.contains("variables") &&
         test["variables"].is_object();
}

int main() {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> input = llvm::MemoryBuffer::getSTDIN();
  if (!input) {
    llvm::errs() << "gemmac-template: error: cannot read standard input: " << input.getError().message() << "\n";
    return 4;
  }
  llvm::StringRef text = (*input)->getBuffer();
  TemplateVariables cases = TemplateVariables::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!cases.is_array() || !llvm::all_of(cases, isCase)) {
    llvm::errs()
        << "gemmac-template: error: standard input holds no JSON array of cases with 'template' and 'variables'\n";
    return 2;
  }
  TemplateVariables results = TemplateVariables::array();
  for (const TemplateVariables &test : cases)
    results.push_back(render(test));
  llvm::outs() << results.dump(-1, ' ', false, TemplateVariables::error_handler_t::replace) << "\n";
  return 0;
}
