// The runner of scenarios: what is wrong in a scenario is told with its file and line, and a wrong expectation fails
// it.
#include "player.hpp"

#include "support/catch.hpp"

using namespace libraft::test;

namespace {

std::string error_of(const std::string& text) {
  try {
    play_text("some.txt", text);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a line that is no statement is told with its file and line before anything is played") {
  CHECK(error_of("# comment\ncluster 3\n\nelekt n1\nexpect n1 role=leader\n") ==
        "some.txt:4: this is no statement (docs/scenarios.md lists them)\n    elekt n1");
  CHECK(error_of("cluster 3\ndeliver Vote n1 -> n2\n").starts_with("some.txt:2: this is no statement"));
  CHECK(error_of("cluster 3\nexpect n1 role\n").starts_with("some.txt:2: this is no statement"));
}

TEST_CASE("a statement that makes no sense is told with its file and line") {
  CHECK(error_of("elect n1\nexpect leader n1\n") == "some.txt:1: there is no cluster yet\n    elect n1");
  CHECK(error_of("cluster 3\nexpect n4 role=leader\n").starts_with("some.txt:2: there is no node n4"));
  CHECK(error_of("cluster 3\nexpect n1 rule=leader\n").starts_with("some.txt:2: n1 has no 'rule'"));
  CHECK(error_of("cluster 3 colour=red\nexpect leader none\n").starts_with("some.txt:1: there is no option 'colour'"));
  CHECK(error_of("cluster 3\nwait 3 \nexpect leader none\n").starts_with("some.txt:2: '3' is not a time"));
  CHECK(error_of("cluster 3\ndeliver any n1 -> n2\nexpect leader none\n")
            .starts_with("some.txt:2: no such message is under way; these are: none"));
  CHECK(error_of("cluster 3\nsend RequestVote n2 -> n1 term=1 colour=red\nexpect leader none\n")
            .starts_with("some.txt:2: this kind of message has no field 'colour'"));
  CHECK(error_of("cluster 3\nelect n1\n") == "some.txt: it expects nothing");
}

TEST_CASE("an expectation that is not met is told with file and line and with what is there instead") {
  const std::string start = "cluster 3\nelect n1\n";
  CHECK(error_of(start + "expect n1 role=leader term=1 commit=1\n") == "none");
  CHECK(error_of(start + "expect n1 role=leader term=2\n") ==
        "some.txt:3: n1: expected term=2, actual term=1\n    expect n1 role=leader term=2");
  CHECK(error_of(start + "expect * role=leader\n")
            .starts_with("some.txt:3: n2: expected role=leader, actual role=follower"));
  CHECK(error_of(start + "expect leader n2\n").starts_with("some.txt:3: expected n2, actual n1"));
  CHECK(error_of(start + "expect progress n1 -> n2 match=7\n")
            .starts_with("some.txt:3: the progress: expected match=7, actual match=1"));
  CHECK(error_of(start + "expect committed 1,1\n").starts_with("some.txt:3: expected 1,1, actual 1"));
  CHECK(error_of(start + "propose n2 x\nexpect proposal n2 ok\n")
            .starts_with("some.txt:4: expected ok, actual not_leader"));
  CHECK(error_of(start + "read n1 r\nexpect read r n1 1\n").starts_with("some.txt:4: expected 1, actual pending"));
  CHECK(error_of(start + "transfer n1 -> n2 as t\nexpect transfer t n1 ok\n")
            .starts_with("some.txt:4: expected ok, actual pending"));
  CHECK(error_of(start + "expect message AppendEntries n1 -> n2\n")
            .starts_with("some.txt:3: expected such a message, actual ones: none"));
  CHECK(error_of(start + "time out n1\nexpect no message AppendEntries n1 -> n2 term=1\n")
            .starts_with("some.txt:4: expected no such message, actual ones: \n    AppendEntries n1 -> n2 term=1"));
  CHECK(error_of(start + "cut n3\npropose n1 x\nsettle\nexpect same state\n")
            .starts_with("some.txt:6: expected the same state, actual: n1 applied 2, n3 applied 1"));
  CHECK(error_of(start + "expect stop n2 by AppendEntries n1 -> n2 term=1\n").starts_with("some.txt:3: it goes on"));
}

TEST_CASE("a broken rule of safety fails a scenario at the line where it broke") {
  CHECK(error_of("cluster 3\nelect n1\nsend AppendEntries n3 -> n2 term=1\nexpect leader n1\n")
            .starts_with("some.txt:3: "));
}
