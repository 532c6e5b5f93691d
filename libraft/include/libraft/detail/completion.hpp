// A handler whose type is erased: how completion handlers of any kind cross the compiled boundary.
#pragma once

#include <memory>
#include <utility>

namespace libraft::detail {

/// The erased handler. Exactly one of the two is called, once.
template <class... Args>
struct CompletionOperation {
  /// Hands the result to the handler, never inside this call (it is posted to the handler's executor).
  virtual void complete(Args... args) = 0;
  /// Frees the handler without calling it.
  virtual void destroy() noexcept = 0;

 protected:
  ~CompletionOperation() = default;
};

struct CompletionDestroyer {
  template <class Operation>
  void operator()(Operation* operation) const noexcept {
    operation->destroy();
  }
};

/// Owns a handler that waits for `Args...`. Call it once; destroyed uncalled, the handler is freed.
template <class... Args>
class Completion {
 public:
  Completion() = default;
  explicit Completion(CompletionOperation<Args...>* operation) : operation_(operation) {}

  [[nodiscard]] explicit operator bool() const noexcept { return operation_ != nullptr; }
  void operator()(Args... args) { operation_.release()->complete(std::move(args)...); }

 private:
  std::unique_ptr<CompletionOperation<Args...>, CompletionDestroyer> operation_;
};

/// A Completion that calls a plain function object inside complete(): for code that is not Asio.
template <class... Args, class Function>
[[nodiscard]] Completion<Args...> make_completion(Function function) {
  struct Operation final : CompletionOperation<Args...> {
    explicit Operation(Function f) : function(std::move(f)) {}
    void complete(Args... args) override {
      const std::unique_ptr<Operation> self(this);
      self->function(std::move(args)...);
    }
    void destroy() noexcept override { delete this; }
    Function function;
  };
  return Completion<Args...>(new Operation(std::move(function)));
}

}  // namespace libraft::detail
