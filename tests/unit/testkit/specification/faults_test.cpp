// The specification beside real cores whose steps are changed in one place: what it must not let pass.
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "unit/testkit/specification/cluster.hpp"

using namespace libraft;
using namespace libraft::test::specification;

namespace {

/// A step that can be changed.
struct Outcome {
  Effects effects;
  CoreStatus after;
};

/// One thing put wrong. False: the step has no such thing.
struct Fault {
  std::string_view name;
  bool (*put)(Outcome&);
};

template <class Body>
Body* sent(Outcome& outcome) {
  for (Outgoing& sent : outcome.effects.messages) {
    if (auto* body = std::get_if<Body>(&sent.message.body)) return body;
  }
  return nullptr;
}

template <class Body, class Change>
bool change_sent(Outcome& outcome, const Change& change) {
  Body* body = sent<Body>(outcome);
  if (body != nullptr) change(*body);
  return body != nullptr;
}

const Fault kFaults[] = {
    {"term", [](Outcome& o) { return ++o.after.term.value > 0; }},
    {"vote", [](Outcome& o) { return o.after.vote = NodeId{9}, true; }},
    {"leader", [](Outcome& o) { return o.after.leader = NodeId{9}, true; }},
    {"role",
     [](Outcome& o) { return o.after.role = o.after.role == Role::leader ? Role::candidate : Role::leader, true; }},
    {"commit up", [](Outcome& o) { return ++o.after.commit.value > 0; }},
    {"commit down", [](Outcome& o) { return o.after.commit.value-- > 0; }},
    {"applied up", [](Outcome& o) { return ++o.after.applied.value > 0; }},
    {"durable up", [](Outcome& o) { return ++o.after.durable.value > 0; }},
    {"durable down", [](Outcome& o) { return o.after.durable.value-- > 0; }},
    {"log start", [](Outcome& o) { return ++o.after.log_start.index.value > 0; }},
    {"log end", [](Outcome& o) { return ++o.after.log_last.index.value > 0; }},
    {"log term", [](Outcome& o) { return ++o.after.log_last.term.value > 0; }},
    {"snapshot", [](Outcome& o) { return ++o.after.snapshot.index.value > 0; }},
    {"no write",
     [](Outcome& o) {
       const bool has = o.effects.persist.has_value();
       o.effects.persist.reset();
       return has;
     }},
    {"write id", [](Outcome& o) { return o.effects.persist && ++o.effects.persist->id.value > 0; }},
    {"write vote",
     [](Outcome& o) {
       return o.effects.persist && (o.effects.persist->hard_state = HardState{o.after.term, NodeId{9}}, true);
     }},
    {"write cut",
     [](Outcome& o) {
       return o.effects.persist &&
              (o.effects.persist->truncate_from = LogIndex{o.effects.persist->truncate_from ? 999u : 3u}, true);
     }},
    {"write start",
     [](Outcome& o) { return o.effects.persist && (o.effects.persist->new_start = o.after.log_last, true); }},
    {"write publish",
     [](Outcome& o) { return o.effects.persist && (o.effects.persist->publish = SnapshotMeta{}, true); }},
    {"write not published",
     [](Outcome& o) {
       return o.effects.persist && o.effects.persist->publish && (o.effects.persist->publish.reset(), true);
     }},
    {"write less",
     [](Outcome& o) {
       if (!o.effects.persist || o.effects.persist->entries.empty()) return false;
       o.effects.persist->entries = o.effects.persist->entries.slice(1, 99);
       return true;
     }},
    {"no messages",
     [](Outcome& o) {
       return std::erase_if(o.effects.messages, [](const Outgoing& sent) { return !is_request(sent.message.body); }) >
              0;
     }},
    {"reply twice",
     [](Outcome& o) {
       for (const Outgoing& sent : o.effects.messages)
         if (!is_request(sent.message.body)) {
           const Outgoing again = sent;
           o.effects.messages.push_back(again);
           return true;
         }
       return false;
     }},
    {"reply elsewhere",
     [](Outcome& o) {
       for (Outgoing& sent : o.effects.messages)
         if (!is_request(sent.message.body)) {
           ++sent.message.route.to.value;
           return true;
         }
       return false;
     }},
    {"message term",
     [](Outcome& o) {
       for (Outgoing& sent : o.effects.messages) {
         std::visit([](auto& body) { ++body.term.value; }, sent.message.body);
         return true;
       }
       return false;
     }},
    {"pre-vote", [](Outcome& o) { return change_sent<PreVote>(o, [](PreVote& m) { ++m.last.index.value; }); }},
    {"pre-vote reply",
     [](Outcome& o) { return change_sent<PreVoteReply>(o, [](PreVoteReply& m) { ++m.proposed.value; }); }},
    {"pre-vote grant",
     [](Outcome& o) { return change_sent<PreVoteReply>(o, [](PreVoteReply& m) { m.granted = !m.granted; }); }},
    {"vote request",
     [](Outcome& o) { return change_sent<RequestVote>(o, [](RequestVote& m) { ++m.last.index.value; }); }},
    {"vote transfer",
     [](Outcome& o) {
       return change_sent<RequestVote>(o, [](RequestVote& m) { m.leadership_transfer = !m.leadership_transfer; });
     }},
    {"vote grant",
     [](Outcome& o) { return change_sent<RequestVoteReply>(o, [](RequestVoteReply& m) { m.granted = !m.granted; }); }},
    {"append previous",
     [](Outcome& o) { return change_sent<AppendEntries>(o, [](AppendEntries& m) { ++m.previous.term.value; }); }},
    {"append commit",
     [](Outcome& o) {
       return change_sent<AppendEntries>(o, [&](AppendEntries& m) { m.commit = next(o.after.commit); });
     }},
    {"append gap",
     [](Outcome& o) {
       auto* m = sent<AppendEntries>(o);
       if (m == nullptr || m->entries.size() < 2) return false;
       m->entries = m->entries.slice(1, 99);
       return true;
     }},
    {"reply accepted",
     [](Outcome& o) {
       return change_sent<AppendEntriesReply>(o, [](AppendEntriesReply& m) { m.accepted = !m.accepted; });
     }},
    {"reply match",
     [](Outcome& o) {
       auto* m = sent<AppendEntriesReply>(o);
       return m != nullptr && m->accepted && ++m->match.value > 0;
     }},
    {"reply rejected",
     [](Outcome& o) {
       auto* m = sent<AppendEntriesReply>(o);
       return m != nullptr && !m->accepted && ++m->rejected.value > 0;
     }},
    {"reply hint",
     [](Outcome& o) {
       auto* m = sent<AppendEntriesReply>(o);
       return m != nullptr && !m->accepted && m->hint.term.value++ > 0;
     }},
    {"reply sequence",
     [](Outcome& o) { return change_sent<AppendEntriesReply>(o, [](AppendEntriesReply& m) { ++m.read_sequence; }); }},
    {"reply installed",
     [](Outcome& o) {
       auto* m = sent<InstallSnapshotReply>(o);
       return m != nullptr && !m->installed && (m->installed = true);
     }},
    {"reply last",
     [](Outcome& o) {
       return change_sent<InstallSnapshotReply>(o, [](InstallSnapshotReply& m) { ++m.last.index.value; });
     }},
    {"timeout now", [](Outcome& o) { return change_sent<TimeoutNow>(o, [](TimeoutNow& m) { --m.term.value; }); }},
    {"no wait",
     [](Outcome& o) {
       for (Outgoing& sent : o.effects.messages)
         if (o.effects.persist && sent.after == o.effects.persist->id) {
           sent.after = {};
           return true;
         }
       return false;
     }},
    {"apply twice",
     [](Outcome& o) {
       if (o.effects.apply.empty()) return false;
       const Entries again = o.effects.apply[0];
       o.effects.apply.push_back(again);
       return true;
     }},
    {"apply skipped",
     [](Outcome& o) {
       if (o.effects.apply.empty() || o.effects.apply[0].size() < 2) return false;
       o.effects.apply[0] = o.effects.apply[0].slice(1, 99);
       return true;
     }},
    {"restore", [](Outcome& o) { return o.effects.restore && ++o.effects.restore->meta.last.index.value > 0; }},
    {"restore now",
     [](Outcome& o) {
       if (!o.effects.persist || !o.effects.persist->publish) return false;
       o.effects.restore = RestoreSnapshot{*o.effects.persist->publish};
       return true;
     }},
    {"snapshot taken",
     [](Outcome& o) { return o.effects.take_snapshot && --o.effects.take_snapshot->last.index.value < 999999; }},
    {"proposal",
     [](Outcome& o) { return o.effects.proposal && !o.effects.proposal->error && ++o.effects.proposal->count > 0; }},
    {"proposal first",
     [](Outcome& o) {
       return o.effects.proposal && !o.effects.proposal->error && o.effects.proposal->count > 0 &&
              ++o.effects.proposal->first.index.value > 0;
     }},
    {"proposal lost",
     [](Outcome& o) {
       const bool has = o.effects.proposal.has_value();
       o.effects.proposal.reset();
       return has;
     }},
    {"read index",
     [](Outcome& o) {
       for (ReadOutcome& read : o.effects.reads)
         if (!read.error) {
           read.index = next(o.after.commit);
           return true;
         }
       return false;
     }},
    {"read stale",
     [](Outcome& o) {
       for (ReadOutcome& read : o.effects.reads)
         if (!read.error) {
           read.index = {};
           return true;
         }
       return false;
     }},
    {"read twice",
     [](Outcome& o) {
       if (o.effects.reads.empty()) return false;
       const ReadOutcome again = o.effects.reads[0];
       o.effects.reads.push_back(again);
       return true;
     }},
    {"read failed well",
     [](Outcome& o) {
       for (ReadOutcome& read : o.effects.reads)
         if (read.error) {
           read = {read.id, {}, o.after.commit};
           return true;
         }
       return false;
     }},
    {"read unasked",
     [](Outcome& o) {
       o.effects.reads.push_back({{0}, {}, o.after.commit});
       return true;
     }},
    {"transfer twice",
     [](Outcome& o) {
       if (o.effects.transfers.empty()) return false;
       const TransferOutcome again = o.effects.transfers[0];
       o.effects.transfers.push_back(again);
       return true;
     }},
    {"log read",
     [](Outcome& o) {
       for (ReadLog& read : o.effects.log_reads) {
         read.last = next(o.after.durable);
         return true;
       }
       return false;
     }},
    {"snapshot sent",
     [](Outcome& o) {
       for (SendSnapshotChunk& chunk : o.effects.snapshot_sends) {
         ++chunk.term.value;
         return true;
       }
       return false;
     }},
    {"snapshot stored",
     [](Outcome& o) { return o.effects.snapshot_store && ++o.effects.snapshot_store->chunk.offset > 0; }},
    {"snapshot not stored",
     [](Outcome& o) {
       const bool has = o.effects.snapshot_store.has_value();
       o.effects.snapshot_store.reset();
       return has;
     }},
};

/// What is wrong in most steps and right in some: a pre-vote while a leader is known may be granted or not, and the log
/// may start where it ends.
bool is_free_at_times(std::string_view name) {
  return name == "pre-vote grant" || name == "write start";
}

}  // namespace

TEST_CASE("the specification finds one thing wrong in a step of a real core") {
  struct Count {
    int put = 0;
    int found = 0;
  };
  std::map<std::string_view, Count> counts;
  testkit::RandomStream random(1);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CoreOptions options = small_options();
    options.pre_vote = seed % 4 != 0;
    Cluster cluster(seed, 3, options);
    cluster.watch = [&](const Node& node, const testkit::CoreStep& step) {
      if (!random.chance(100000)) return;
      for (const Fault& fault : kFaults) {
        Outcome wrong{step.effects, step.after};
        if (!fault.put(wrong)) continue;
        testkit::Specification copy = *node.specification;
        ++counts[fault.name].put;
        counts[fault.name].found += int{copy.judge({step.event, wrong.effects, step.before, wrong.after}).has_value()};
      }
    };
    for (int i = 0; i < 5000; ++i) cluster.act();
  }
  CHECK(counts.size() > 50);
  for (const auto& [name, count] : counts) {
    INFO(name);
    if (is_free_at_times(name)) {
      CHECK(count.found > count.put / 2);
    } else {
      CHECK(count.found == count.put);
    }
  }
}
