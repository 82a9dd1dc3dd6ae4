#include "compiler/import/template/Template.h"

#include "compiler/import/Json.h"
#include "compiler/import/template/Renderer.h"

using namespace gemmac;
using llvm::StringRef;

static constexpr size_t mostMemory = 32 << 20;

ChatTemplate::ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate &&) = default;
ChatTemplate &ChatTemplate::operator=(ChatTemplate &&) = default;
ChatTemplate::~ChatTemplate() = default;

static llvm::Error errorOf(StringRef file, const jinja::Fault &fault) {
  std::string message; // it may quote the template: one line, printable
  for (char c : fault.message)
    message += c == '\n' ? ' ' : c;
  return importError(file, "line {0} of the chat template: {1}", fault.line, message);
}

llvm::Expected<ChatTemplate> ChatTemplate::parse(StringRef file, StringRef text) {
  constexpr size_t longest = 1 << 20;
  if (text.size() > longest)
    return importError(file, "the chat template has {0} bytes, expected at most {1}", text.size(), longest);
  ChatTemplate result;
  result.file = file.str();
  jinja::Fault fault;
  result.syntax = jinja::parseTemplate(text, fault);
  if (fault.any())
    return errorOf(file, fault);
  return result;
}

static jinja::Value valueOf(jinja::Heap &heap, const TemplateVariables &json) {
  using jinja::Value;
  switch (json.type()) {
  case TemplateVariables::value_t::boolean:
    return Value::of(json.get<bool>());
  case TemplateVariables::value_t::number_integer:
  case TemplateVariables::value_t::number_unsigned:
    return Value::of(json.get<int64_t>());
  case TemplateVariables::value_t::number_float:
    return Value::of(json.get<double>());
  case TemplateVariables::value_t::string:
    return heap.string(json.get_ref<const std::string &>());
  case TemplateVariables::value_t::array: {
    std::vector<Value> items;
    for (const TemplateVariables &item : json)
      items.push_back(valueOf(heap, item));
    return heap.list(items);
  }
  case TemplateVariables::value_t::object: {
    std::vector<Value> items;
    for (const auto &item : json.items()) {
      items.push_back(heap.string(item.key()));
      items.push_back(valueOf(heap, item.value()));
    }
    return heap.dict(items);
  }
  default:
    return Value::none();
  }
}

llvm::Expected<std::string> ChatTemplate::render(const TemplateVariables &variables) const {
  jinja::Heap heap(mostMemory);
  jinja::Fault fault;
  jinja::Renderer renderer(heap, fault);
  for (const auto &item : variables.items())
    renderer.define(heap.string(item.key()).text(), valueOf(heap, item.value()));
  std::string text;
  renderer.run(*syntax, text);
  date = renderer.usedDate();
  if (fault.any())
    return errorOf(file, fault);
  return text;
}
