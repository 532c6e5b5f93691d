// JSON for bytes that nobody vouches for: a strict reader, a small tree of values, and a writer.
//
// The reader takes exactly one JSON text (RFC 8259) and refuses what others let pass: invalid UTF-8, lone surrogates,
// a name twice in one object, nesting beyond a bound, bytes behind the end. It neither recurses nor asserts, and
// numbers are never floating point: an unsigned 64-bit integer is exact, any other number keeps its text.
//
//     std::string error;
//     const auto body = json::parse(text, error);
//     if (!body) return refuse(error);                    // "not JSON: Missing a comma ... (byte 17)"
//     json::Fields fields(*body, error);
//     const std::uint64_t term = fields.u64("term");
//     const std::string_view key = fields.string("key");
//     if (!fields.ok()) return refuse(error);             // "`term` is missing"
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kvserver::json {

struct Member;
class Value;
using Array = std::vector<Value>;
using Object = std::vector<Member>;  ///< in the order of the text; names are unique

/// One JSON value. Reading a wrong kind gives nullptr or nullopt, never an assertion.
class Value {
 public:
  struct Null {};
  struct Number {
    std::string text;
  };

  Value() = default;
  explicit Value(bool value);
  explicit Value(Number value);
  explicit Value(std::string value);
  explicit Value(Array value);
  explicit Value(Object value);

  [[nodiscard]] bool is_null() const { return std::holds_alternative<Null>(data_); }
  [[nodiscard]] const bool* boolean() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const Number* number() const { return std::get_if<Number>(&data_); }
  [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const Array* array() const { return std::get_if<Array>(&data_); }
  [[nodiscard]] const Object* object() const { return std::get_if<Object>(&data_); }
  /// A number that is written as a plain decimal integer from 0 to 2^64-1.
  [[nodiscard]] std::optional<std::uint64_t> u64() const;
  /// The member's value; nullptr when this is no object or has no such member.
  [[nodiscard]] const Value* find(std::string_view name) const;

  // For those who take large strings over without copying them.
  [[nodiscard]] std::string* string() { return std::get_if<std::string>(&data_); }
  [[nodiscard]] Array* array() { return std::get_if<Array>(&data_); }
  [[nodiscard]] Object* object() { return std::get_if<Object>(&data_); }
  [[nodiscard]] Value* find(std::string_view name);

 private:
  std::variant<Null, bool, Number, std::string, Array, Object> data_;
};

struct Member {
  std::string name;
  Value value;
};

inline Value::Value(bool value) : data_(value) {}
inline Value::Value(Number value) : data_(std::move(value)) {}
inline Value::Value(std::string value) : data_(std::move(value)) {}
inline Value::Value(Array value) : data_(std::move(value)) {}
inline Value::Value(Object value) : data_(std::move(value)) {}

/// What bounds the memory that a text may cost beyond its own size: each value takes some 80 bytes.
struct ReadLimits {
  std::size_t depth_max = 32;          ///< of nested arrays and objects
  std::size_t values_max = 1u << 20u;  ///< in the whole text
};

/// The one value in `text`; nullopt, and `error` says what is wrong and where, for anything else.
[[nodiscard]] std::optional<Value> parse(std::string_view text, std::string& error, const ReadLimits& limits = {});

/// Reads the members of an object that must have a known form. The first thing found wrong is kept in `error` (shared
/// with the readers of nested objects), and whatever is asked after that gives a default value: read all, then ask
/// ok().
///
/// Messages name the member: "`entries[2].term` is not a number".
class Fields {
 public:
  /// `value`, `error` outlive this. `path` is put before names in messages: "entries[2]".
  Fields(const Value& value, std::string& error, std::string path = {});

  [[nodiscard]] bool ok() const { return error_->empty(); }
  [[nodiscard]] bool has(std::string_view name) const { return value_->find(name) != nullptr; }

  // The member must be there and of the kind. Views and references live as long as the value.
  [[nodiscard]] std::uint64_t u64(std::string_view name);
  [[nodiscard]] bool boolean(std::string_view name);
  [[nodiscard]] std::string_view string(std::string_view name);
  [[nodiscard]] const Array& array(std::string_view name);
  [[nodiscard]] Fields object(std::string_view name);

  // The member may be absent.
  [[nodiscard]] std::uint64_t u64_or(std::string_view name, std::uint64_t otherwise);
  [[nodiscard]] bool boolean_or(std::string_view name, bool otherwise);
  [[nodiscard]] std::string_view string_or(std::string_view name, std::string_view otherwise);

  /// The fields of `elements[at]`, an element of the array `name`.
  [[nodiscard]] Fields element(std::string_view name, const Array& elements, std::size_t at);
  /// Bytes as Writer::bytes wrote them: `name`, and `"encoding":"base64"` beside it where they are no text.
  [[nodiscard]] std::string bytes(std::string_view name);

  /// Keeps "`name` what" as the error unless there is one already.
  void fail(std::string_view name, std::string_view what);

 private:
  [[nodiscard]] const Value* required(std::string_view name);

  const Value* value_;
  std::string* error_;
  std::string path_;
};

enum class Style {
  compact,  ///< one line without spaces
  pretty,   ///< a line for each member, indented by two spaces
};

/// Writes one JSON text. Mistakes (a string that is not UTF-8, an end without a begin) don't throw: the text is then
/// not ok(), and take() gives nothing.
///
///     json::Writer out;
///     out.begin_object().member("ok", true).member("key", key).end_object();
class Writer {
 public:
  explicit Writer(Style style = Style::compact);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);

  Writer& null();
  Writer& boolean(bool value);
  Writer& u64(std::uint64_t value);
  Writer& string(std::string_view utf8);

  Writer& member(std::string_view name, std::string_view value) { return key(name).string(value); }
  Writer& member(std::string_view name, const char* value) { return key(name).string(value); }
  Writer& member(std::string_view name, std::same_as<bool> auto value) { return key(name).boolean(value); }
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Writer& member(std::string_view name, T value) { return key(name).u64(value); }
  /// Any bytes: as text where they are valid UTF-8, else in base64 with a member `"encoding":"base64"` after it.
  Writer& bytes(std::string_view name, std::string_view value);

  /// Everything so far was right, and the text is complete.
  [[nodiscard]] bool ok() const;
  /// The text, and nullopt when it is not ok(). The writer is used no more.
  [[nodiscard]] std::optional<std::string> take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends `utf8` as a JSON string, quotes included. False, and nothing appended, when it is not valid UTF-8.
[[nodiscard]] bool append_string(std::string& out, std::string_view utf8);

}  // namespace kvserver::json
