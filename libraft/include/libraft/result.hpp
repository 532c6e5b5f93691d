// Result<T>: a value or an error_code.
#pragma once

#include <libraft/error.hpp>

#include <concepts>
#include <system_error>
#include <utility>
#include <variant>

namespace libraft {

/// A value, or the reason why there is none.
///
///     Result<Applied> done = node.propose(command);
///     if (!done) return done.error();
///     use(done->index);
template <class T>
class [[nodiscard]] Result {
 public:
  /// A value.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  /// An error; not an empty error_code.
  Result(std::error_code error) : state_(std::in_place_index<1>, error) {}  // NOLINT(google-explicit-constructor)
  /// An error.
  Result(errc error) : Result(make_error_code(error)) {}  // NOLINT(google-explicit-constructor)
  /// A value made from something that converts to it, such as a string literal or a derived pointer.
  template <class U>
  requires(std::convertible_to<U&&, T> && !std::same_as<std::remove_cvref_t<U>, Result> &&
           !std::same_as<std::remove_cvref_t<U>, T> && !std::same_as<std::remove_cvref_t<U>, std::error_code> &&
           !std::same_as<std::remove_cvref_t<U>, errc>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)

  /// True when there is a value.
  [[nodiscard]] explicit operator bool() const noexcept { return state_.index() == 0; }

  /// The value; only when there is one.
  [[nodiscard]] T& operator*() & { return std::get<0>(state_); }
  /// The value; only when there is one.
  [[nodiscard]] const T& operator*() const& { return std::get<0>(state_); }
  /// The value, to be moved from; only when there is one.
  [[nodiscard]] T&& operator*() && { return std::get<0>(std::move(state_)); }
  /// A member of the value; only when there is one.
  [[nodiscard]] T* operator->() { return &std::get<0>(state_); }
  /// A member of the value; only when there is one.
  [[nodiscard]] const T* operator->() const { return &std::get<0>(state_); }

  /// The error; an empty error_code when there is a value.
  [[nodiscard]] std::error_code error() const noexcept {
    return state_.index() == 1 ? *std::get_if<1>(&state_) : std::error_code{};
  }

  /// The value, or std::system_error thrown: for callers who prefer exceptions.
  [[nodiscard]] T value() && {
    if (!*this) throw std::system_error(error());
    return std::get<0>(std::move(state_));
  }

 private:
  std::variant<T, std::error_code> state_;
};

}  // namespace libraft
