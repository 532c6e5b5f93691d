// CoreListener: hears of each step of a node's core, on the protocol lane. For who judges them; a node that serves has
// none. What it is shown lives for the call only. It must not throw.
#pragma once

#include <libraft/core.hpp>
#include <libraft/effects.hpp>
#include <libraft/event.hpp>
#include <libraft/options.hpp>

namespace libraft::node {

/// One step of a core, as its driver saw it.
struct CoreStep {
  const Event& event;        ///< what went in
  const Effects& effects;    ///< what came out
  const CoreStatus& before;  ///< the core before
  const CoreStatus& after;   ///< and afterwards
};

struct CoreListener {
  /// The node has a core, made of `start`.
  virtual void on_core_started(const CoreOptions& options, const CoreStart& start, const CoreStatus& status) = 0;
  /// Before the effects are carried out. Not of a step that broke a rule of the core: then the node fails.
  virtual void on_core_step(const CoreStep& step) = 0;

 protected:
  ~CoreListener() = default;
};

}  // namespace libraft::node
