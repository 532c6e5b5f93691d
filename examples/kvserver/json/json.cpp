#include "json/json.hpp"

#include "json/base64.hpp"
#include "json/utf8.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace kvserver::json {
namespace {

/// Builds the tree from the reader's events. Returns false to stop the reader, with `error_` set.
class Builder {
 public:
  explicit Builder(const ReadLimits& limits) : limits_(limits) {}

  bool Null() { return add(Value{}); }
  bool Bool(bool value) { return add(Value(value)); }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    return add(Value(Value::Number{std::string(text, length)}));
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return check_text({text, length}) && add(Value(std::string(text, length)));
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    open_.back().key.assign(text, length);
    return check_text({text, length});
  }
  bool StartObject() { return open(Value(Object{})); }
  bool StartArray() { return open(Value(Array{})); }
  bool EndObject(rapidjson::SizeType) {
    if (const std::string* name = duplicate_name(*open_.back().value.object())) {
      return fail("duplicate member `" + *name + "`");
    }
    return close();
  }
  bool EndArray(rapidjson::SizeType) { return close(); }

  // The reader hands numbers over as text only; these exist for its types.
  bool Int(int) { return fail("unexpected number"); }
  bool Uint(unsigned) { return fail("unexpected number"); }
  bool Int64(std::int64_t) { return fail("unexpected number"); }
  bool Uint64(std::uint64_t) { return fail("unexpected number"); }
  bool Double(double) { return fail("unexpected number"); }

  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] Value take() { return std::move(root_); }

 private:
  struct Container {
    Value value;
    std::string key;  ///< of the member that is being read
  };

  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  /// The reader passes invalid bytes on as they are, and "\\udc00" as the bytes of a surrogate: one check finds both.
  bool check_text(std::string_view text) { return is_valid_utf8(text) || fail("a string that is not Unicode"); }

  bool count() { return ++values_ <= limits_.values_max || fail("too many values"); }

  bool open(Value container) {
    if (open_.size() >= limits_.depth_max) return fail("nested too deeply");
    if (!count()) return false;
    open_.push_back({std::move(container), {}});
    return true;
  }

  bool close() {
    Value closed = std::move(open_.back().value);
    open_.pop_back();
    place(std::move(closed));
    return true;
  }

  bool add(Value value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
  }

  void place(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Array* array = open_.back().value.array()) {
      array->push_back(std::move(value));
    } else if (Object* object = open_.back().value.object()) {
      object->push_back({std::move(open_.back().key), std::move(value)});
    }
  }

  /// Sorting keeps a hostile object of many members from costing the square of their number.
  static const std::string* duplicate_name(const Object& object) {
    std::vector<const std::string*> names;
    names.reserve(object.size());
    for (const Member& member : object) names.push_back(&member.name);
    std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
    const auto same =
        std::adjacent_find(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a == *b; });
    return same == names.end() ? nullptr : *same;
  }

  ReadLimits limits_;
  std::vector<Container> open_;
  std::size_t values_ = 0;
  Value root_;
  std::string error_;
};

std::string at_byte(std::string_view what, std::size_t offset) {
  return "not JSON: " + std::string(what) + " (byte " + std::to_string(offset) + ")";
}

/// Appends to a string that somebody else owns: what RapidJSON calls an output stream.
struct StringSink {
  using Ch = char;
  std::string* out;

  void Put(char c) { out->push_back(c); }
  void Flush() {}
};

}  // namespace

// --- Value ---------------------------------------------------------------------------------------------------------

std::optional<std::uint64_t> Value::u64() const {
  const Number* digits = number();
  if (digits == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = digits->text.data() + digits->text.size();
  const auto [stopped, failure] = std::from_chars(digits->text.data(), end, value);
  if (failure != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

const Value* Value::find(std::string_view name) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->begin(), members->end(), [name](const Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

Value* Value::find(std::string_view name) {
  return const_cast<Value*>(std::as_const(*this).find(name));
}

// --- Reading -------------------------------------------------------------------------------------------------------

std::optional<Value> parse(std::string_view text, std::string& error, const ReadLimits& limits) {
  error.clear();
  // Iterative: nesting can't exhaust the stack. Numbers as strings: RapidJSON's conversion to double has an integer
  // overflow that any peer could reach.
  if (text.size() > UINT32_MAX) {  // RapidJSON asserts that a string is shorter
    error = at_byte("too long", UINT32_MAX);
    return std::nullopt;
  }
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  Builder builder(limits);
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (!builder.error().empty()) {
    error = at_byte(builder.error(), result.Offset());
    return std::nullopt;
  }
  if (result.IsError()) {
    error = at_byte(rapidjson::GetParseError_En(result.Code()), result.Offset());
    return std::nullopt;
  }
  // To the stream, a NUL is the end of the text: what stands behind it must not be there.
  if (stream.Tell() != text.size()) {
    error = at_byte("bytes behind the end", stream.Tell());
    return std::nullopt;
  }
  return builder.take();
}

Fields::Fields(const Value& value, std::string& error, std::string path)
    : value_(&value), error_(&error), path_(std::move(path)) {
  if (value.object() != nullptr || !ok()) return;
  *error_ = (path_.empty() ? "the JSON text" : "`" + path_ + "`") + " is not an object";
}

void Fields::fail(std::string_view name, std::string_view what) {
  if (!ok()) return;
  *error_ = "`" + path_ + (path_.empty() ? "" : ".") + std::string(name) + "` " + std::string(what);
}

const Value* Fields::required(std::string_view name) {
  const Value* found = value_->find(name);
  if (found == nullptr) fail(name, "is missing");
  return found;
}

std::uint64_t Fields::u64(std::string_view name) {
  const Value* found = required(name);
  if (found == nullptr) return 0;
  const auto value = found->u64();
  if (!value) fail(name, found->number() != nullptr ? "is not an integer from 0 to 2^64-1" : "is not a number");
  return value.value_or(0);
}

bool Fields::boolean(std::string_view name) {
  const Value* found = required(name);
  if (found == nullptr) return false;
  const bool* value = found->boolean();
  if (value == nullptr) fail(name, "is not true or false");
  return value != nullptr && *value;
}

std::string_view Fields::string(std::string_view name) {
  const Value* found = required(name);
  if (found == nullptr) return {};
  const std::string* value = found->string();
  if (value == nullptr) fail(name, "is not a string");
  return value != nullptr ? std::string_view(*value) : std::string_view{};
}

const Array& Fields::array(std::string_view name) {
  static const Array kEmpty;
  const Value* found = required(name);
  if (found == nullptr) return kEmpty;
  const Array* value = found->array();
  if (value == nullptr) fail(name, "is not an array");
  return value != nullptr ? *value : kEmpty;
}

Fields Fields::object(std::string_view name) {
  static const Value kNull;
  const Value* found = required(name);
  return {found != nullptr ? *found : kNull, *error_, path_ + (path_.empty() ? "" : ".") + std::string(name)};
}

std::uint64_t Fields::u64_or(std::string_view name, std::uint64_t otherwise) {
  return has(name) ? u64(name) : otherwise;
}

bool Fields::boolean_or(std::string_view name, bool otherwise) {
  return has(name) ? boolean(name) : otherwise;
}

std::string_view Fields::string_or(std::string_view name, std::string_view otherwise) {
  return has(name) ? string(name) : otherwise;
}

Fields Fields::element(std::string_view name, const Array& elements, std::size_t at) {
  return {elements.at(at), *error_,
          path_ + (path_.empty() ? "" : ".") + std::string(name) + "[" + std::to_string(at) + "]"};
}

std::string Fields::bytes(std::string_view name) {
  const std::string_view text = string(name);
  if (!has("encoding")) return std::string(text);
  if (string("encoding") != "base64") {
    fail("encoding", "is not `base64`");
    return {};
  }
  auto decoded = base64_decode(text);
  if (!decoded) fail(name, "is not base64");
  return decoded ? std::move(*decoded) : std::string{};
}

// --- Writing -------------------------------------------------------------------------------------------------------

struct Writer::Impl {
  explicit Impl(Style style) {
    if (style == Style::pretty) {
      pretty.emplace(sink);
      pretty->SetIndent(' ', 2);
    } else {
      compact.emplace(sink);
    }
  }

  /// Guards RapidJSON's assertions: a value stands alone, in an array, or behind its key.
  bool may_place_value() const { return open.empty() ? !done : open.back() == 'a' || has_key; }

  template <class Action>
  void value(Action action) {
    if (!right || !may_place_value()) {
      right = false;
      return;
    }
    right = pretty ? action(*pretty) : action(*compact);
    has_key = false;
    done = open.empty();
  }

  template <class Action>
  void begin(char kind, Action action) {
    value(action);
    if (!right) return;
    open.push_back(kind);
    done = false;
  }

  template <class Action>
  void end(char kind, Action action) {
    if (!right || has_key || open.empty() || open.back() != kind) {
      right = false;
      return;
    }
    right = pretty ? action(*pretty) : action(*compact);
    open.pop_back();
    done = open.empty();
  }

  std::string text;
  StringSink sink{&text};
  std::optional<rapidjson::Writer<StringSink>> compact;
  std::optional<rapidjson::PrettyWriter<StringSink>> pretty;
  std::string open;  ///< the containers that are open: 'o' or 'a'
  bool has_key = false;
  bool done = false;
  bool right = true;
};

Writer::Writer(Style style) : impl_(std::make_unique<Impl>(style)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Writer& Writer::begin_object() {
  impl_->begin('o', [](auto& out) { return out.StartObject(); });
  return *this;
}

Writer& Writer::end_object() {
  impl_->end('o', [](auto& out) { return out.EndObject(); });
  return *this;
}

Writer& Writer::begin_array() {
  impl_->begin('a', [](auto& out) { return out.StartArray(); });
  return *this;
}

Writer& Writer::end_array() {
  impl_->end('a', [](auto& out) { return out.EndArray(); });
  return *this;
}

Writer& Writer::key(std::string_view name) {
  Impl& to = *impl_;
  to.right = to.right && !to.open.empty() && to.open.back() == 'o' && !to.has_key && is_valid_utf8(name);
  if (!to.right) return *this;
  const auto length = static_cast<rapidjson::SizeType>(name.size());
  to.right = to.pretty ? to.pretty->Key(name.data(), length) : to.compact->Key(name.data(), length);
  to.has_key = true;
  return *this;
}

Writer& Writer::null() {
  impl_->value([](auto& out) { return out.Null(); });
  return *this;
}

Writer& Writer::boolean(bool value) {
  impl_->value([value](auto& out) { return out.Bool(value); });
  return *this;
}

Writer& Writer::u64(std::uint64_t value) {
  impl_->value([value](auto& out) { return out.Uint64(value); });
  return *this;
}

Writer& Writer::string(std::string_view utf8) {
  // Checked before, not by RapidJSON's flag, which stops in the middle of a string; and 2^32 - 1 is its longest string.
  const bool writable = utf8.size() <= UINT32_MAX && is_valid_utf8(utf8);
  impl_->value([utf8, writable](auto& out) {
    return writable && out.String(utf8.data(), static_cast<rapidjson::SizeType>(utf8.size()));
  });
  return *this;
}

Writer& Writer::bytes(std::string_view name, std::string_view value) {
  if (is_valid_utf8(value)) return member(name, value);
  return member(name, base64_encode(value)).member("encoding", "base64");
}

bool Writer::ok() const {
  return impl_->right && impl_->done;
}

std::optional<std::string> Writer::take() {
  if (!ok()) return std::nullopt;
  impl_->right = false;
  return std::move(impl_->text);
}

bool append_string(std::string& out, std::string_view utf8) {
  if (utf8.size() > UINT32_MAX || !is_valid_utf8(utf8)) return false;
  StringSink sink{&out};
  rapidjson::Writer<StringSink> writer(sink);
  return writer.String(utf8.data(), static_cast<rapidjson::SizeType>(utf8.size()));
}

}  // namespace kvserver::json
