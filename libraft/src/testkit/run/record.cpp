// One run, written down.
#include "testkit/run/shrink.hpp"
#include "testkit/run/trace.hpp"
#include "testkit/run/trial.hpp"

#include <libraft/testkit/simulate.hpp>

#include <stdexcept>

namespace libraft::testkit {

RunRecord record(const Service& service, const SimulateOptions& options) {
  if (const std::string reason = validate(service, options); !reason.empty()) throw std::invalid_argument(reason);
  const Settings settings = settings_of(options.first_seed, options);
  const Plan plan = plan_of(settings, options);
  Trace trace;
  const TrialResult result = Trial(service, settings, plan, &trace).run();
  RunRecord record;
  record.trace = to_string(settings);
  for (const FaultEvent& event : plan) record.trace += to_string(event, settings.simulation.nodes) + "\n";
  record.trace += trace.text();
  if (result.finding) {
    SimulateOptions as_it_is = options;
    as_it_is.shrink = false;
    record.violation = explain(service, as_it_is, settings, plan, *result.finding);
  }
  return record;
}

}  // namespace libraft::testkit
