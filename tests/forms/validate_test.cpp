#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "forms/json.h"
#include "forms/questionnaire.h"

namespace firedrill::forms {
namespace {

const SubmissionId kId{{1, 2, 3}};
constexpr WallTime kWhen{1772366400000000000};

const Questionnaire& phq() {
    return built_in_questionnaires()[0];
}
const Questionnaire& intake() {
    return built_in_questionnaires()[1];
}

Questionnaire form_of(std::string_view items) {
    auto form = parse_questionnaire(
        fmt::format(R"({{"resourceType": "Questionnaire", "id": "small", "url": "https://example.org/small",
                        "version": "1", "title": "Small", "item": [{}]}})",
                    items));
    EXPECT_TRUE(form.is_ok());
    return std::move(form).value();
}

Fields phq_fields(std::string_view code) {
    Fields fields;
    for (int i = 1; i <= 9; ++i) {
        fields.emplace(fmt::format("q{}", i), code);
    }
    return fields;
}

Fields intake_fields() {
    return {{"name", "Ada Example"},  {"birth-date", "1985-12-10"}, {"reason", "Knee hurts\r\nwhen I run"},
            {"body-region", "knee"},  {"body-region", "hip"},       {"pain", "4"},
            {"surgery", "false"},     {"goals", "Run again"},       {"consent", "true"},
            {"hours-active", "2.50"}, {"medications", ""}};
}

Validation check(const Questionnaire& form, const Fields& fields) {
    return validate(form, fields, kId, kWhen);
}

// The linkIds that have a problem, sorted.
std::vector<std::string> problems(const Questionnaire& form, const Fields& fields) {
    const Validation result = check(form, fields);
    EXPECT_EQ(result.problems.empty(), !result.response.empty());
    std::vector<std::string> out;
    for (const FieldProblem& problem : result.problems) {
        EXPECT_FALSE(problem.message.empty());
        out.push_back(problem.link_id);
    }
    std::ranges::sort(out);
    return out;
}
using LinkIds = std::vector<std::string>;

TEST(Validate, WritesACanonicalQuestionnaireResponse) {
    const Questionnaire form = form_of(
        R"({"linkId": "g", "text": "G", "type": "group", "item": [{"linkId": "b", "text": "Say \"hi\"", "type": "boolean"},
            {"linkId": "s", "text": "S", "type": "text"}]},
           {"linkId": "d", "text": "D", "type": "decimal"})");
    const Validation result = check(form, {{"s", "a\r\nb\\"}, {"d", "1.50"}, {"b", "true"}});
    EXPECT_EQ(
        result.response,
        R"({"resourceType":"QuestionnaireResponse","id":"01020300000000000000000000000000",)"
        R"("questionnaire":"https://example.org/small|1","status":"completed","authored":"2026-03-01T12:00:00Z",)"
        R"("item":[{"linkId":"g","text":"G","item":[)"
        R"({"linkId":"b","text":"Say \"hi\"","answer":[{"valueBoolean":true}]},)"
        R"({"linkId":"s","text":"S","answer":[{"valueString":"a\nb\\"}]}]},)"
        R"({"linkId":"d","text":"D","answer":[{"valueDecimal":1.50}]}]})");
}

TEST(Validate, TakesBothBuiltInForms) {
    EXPECT_EQ(problems(phq(), phq_fields("LA6568-5")), LinkIds{});
    EXPECT_EQ(problems(intake(), intake_fields()), LinkIds{});
}

TEST(Validate, AsksForEveryRequiredAnswer) {
    EXPECT_EQ(problems(phq(), {}), (LinkIds{"q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9"}));
    Fields fields = intake_fields();
    fields.erase("consent");
    fields.erase("name");
    fields.emplace("name", " \t ");  // blanks are no answer
    EXPECT_EQ(problems(intake(), fields), (LinkIds{"consent", "name"}));
}

TEST(Validate, AQuestionRuledOutByOtherAnswersTakesNone) {
    Fields fields = phq_fields("LA6568-5");
    fields.emplace("difficulty", "LA6573-5");
    EXPECT_EQ(problems(phq(), fields), LinkIds{"difficulty"});
    fields.erase("q3");
    fields.emplace("q3", "LA6569-3");
    EXPECT_EQ(problems(phq(), fields), LinkIds{});
}

TEST(Validate, ARequiredQuestionIsAskedOnlyWhileEnabled) {
    Fields fields = intake_fields();
    fields.erase("surgery");
    fields.emplace("surgery", "true");
    EXPECT_EQ(problems(intake(), fields), LinkIds{"surgery-details"});
    fields.emplace("surgery-details", "Meniscus, 2020");
    EXPECT_EQ(problems(intake(), fields), LinkIds{});
    fields.emplace("body-region", "other");
    EXPECT_EQ(problems(intake(), fields), LinkIds{"body-region-other"});
}

TEST(Validate, ChainsOfConditionsFollowWhatIsReallyAnswered) {
    const Questionnaire form = form_of(
        R"({"linkId": "a", "text": "A", "type": "boolean"},
           {"linkId": "b", "text": "B", "type": "integer", "required": true,
            "enableWhen": [{"question": "a", "operator": "=", "answerBoolean": true}]},
           {"linkId": "g", "text": "G", "type": "group",
            "enableWhen": [{"question": "b", "operator": ">", "answerInteger": 9}],
            "item": [{"linkId": "c", "text": "C", "type": "string", "required": true}]},
           {"linkId": "e", "text": "E", "type": "string",
            "enableWhen": [{"question": "c", "operator": "exists", "answerBoolean": false}]})");
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "10"}, {"c", "x"}}), LinkIds{});
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "10"}}), LinkIds{"c"});
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "9"}}), LinkIds{});
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "9"}, {"c", "x"}}), LinkIds{"c"});
    EXPECT_EQ(problems(form, {{"a", "false"}, {"e", "x"}}), LinkIds{});
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "10"}, {"c", "x"}, {"e", "x"}}), LinkIds{"e"});
    // b is wrong, so that nothing is said about what hangs on it.
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "ten"}, {"c", "x"}}), LinkIds{"b"});
    EXPECT_EQ(problems(form, {{"a", "true"}, {"b", "ten"}}), LinkIds{"b"});
}

TEST(Validate, NotEqualHoldsForRepeatedAnswersOnlyWhenNoneIsEqual) {
    const Questionnaire form = form_of(
        R"({"linkId": "c", "text": "C", "type": "choice", "repeats": true, "answerOption": [
             {"valueCoding": {"code": "x", "display": "X"}}, {"valueCoding": {"code": "y", "display": "Y"}}]},
           {"linkId": "s", "text": "S", "type": "string",
            "enableWhen": [{"question": "c", "operator": "!=", "answerCoding": {"code": "x"}}]})");
    EXPECT_EQ(problems(form, {{"s", "1"}}), LinkIds{});
    EXPECT_EQ(problems(form, {{"c", "y"}, {"s", "1"}}), LinkIds{});
    EXPECT_EQ(problems(form, {{"c", "y"}, {"c", "x"}, {"s", "1"}}), LinkIds{"s"});
}

TEST(Validate, RefusesAnswersThatWereNotOffered) {
    Fields fields = phq_fields("LA6568-5");
    fields.erase("q1");
    fields.emplace("q1", "LA9999-9");
    EXPECT_EQ(problems(phq(), fields), LinkIds{"q1"});
    fields = phq_fields("LA6568-5");
    fields.emplace("q2", "LA6569-3");  // two answers to one question
    EXPECT_EQ(problems(phq(), fields), LinkIds{"q2"});
    fields = intake_fields();
    fields.emplace("body-region", "hip");  // the same twice
    EXPECT_EQ(problems(intake(), fields), LinkIds{"body-region"});
}

TEST(Validate, RefusesUnknownFieldsWithoutRepeatingThem) {
    for (const char* name : {"", "q10", "problems", "Q1", "<script>", "agreement-note"}) {
        Fields fields = phq_fields("LA6568-5");
        fields.emplace(name, "canary-value");
        const Validation result = check(phq(), fields);
        ASSERT_EQ(result.problems.size(), 1u) << name;
        EXPECT_EQ(result.problems[0].link_id, "");
        EXPECT_EQ(result.problems[0].message.find("canary"), std::string::npos);
        EXPECT_EQ(result.problems[0].message.find("script"), std::string::npos);
    }
}

TEST(Validate, RefusesTextThatIsNotUtf8OrHasControlCharacters) {
    for (const char* bad :
         {"\xC0\xAF", "\xED\xA0\x80", "a\x01", "a\x1B[31m", "\xF8\x88\x80\x80\x80", "a\x7F", "a\xC2\x9B"}) {
        Fields fields = intake_fields();
        fields.erase("goals");
        fields.emplace("goals", bad);
        EXPECT_EQ(problems(intake(), fields), LinkIds{"goals"});
    }
    Fields fields = intake_fields();
    fields.erase("name");
    fields.emplace("name", "two\nlines");
    EXPECT_EQ(problems(intake(), fields), LinkIds{"name"});
    fields = intake_fields();
    fields.erase("goals");
    fields.emplace("goals", std::string("nul\0", 4));
    EXPECT_EQ(problems(intake(), fields), LinkIds{"goals"});
}

TEST(Validate, CountsCharactersNotBytes) {
    const Questionnaire form = form_of(R"({"linkId": "s", "text": "S", "type": "string", "maxLength": 3})");
    EXPECT_EQ(problems(form, {{"s", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"}}), LinkIds{});
    EXPECT_EQ(problems(form, {{"s", "abcd"}}), LinkIds{"s"});
    const Questionnaire open_ended = form_of(R"({"linkId": "s", "text": "S", "type": "string"})");
    EXPECT_EQ(problems(open_ended, {{"s", std::string(4000, 'a')}}), LinkIds{});
    EXPECT_EQ(problems(open_ended, {{"s", std::string(4001, 'a')}}), LinkIds{"s"});
}

TEST(Validate, RefusesAnswersThatAreTooLongAltogether) {
    std::string items;
    Fields fields;
    for (int i = 0; i < 20; ++i) {
        items += fmt::format(R"({}{{"linkId": "t{}", "text": "T", "type": "text"}})", i == 0 ? "" : ",", i);
        fields.emplace(fmt::format("t{}", i), std::string(20000, 'a'));
    }
    EXPECT_EQ(problems(form_of(items), fields), LinkIds{""});
}

TEST(Validate, AnEmptyFormIsNotASubmission) {
    EXPECT_EQ(problems(form_of(R"({"linkId": "s", "text": "S", "type": "string"})"), {}), LinkIds{""});
}

TEST(Validate, MessagesNeverRepeatTheValue) {
    Fields fields;
    const Questionnaire form = form_of(
        R"({"linkId": "b", "text": "B", "type": "boolean"}, {"linkId": "i", "text": "I", "type": "integer"},
           {"linkId": "n", "text": "N", "type": "decimal"}, {"linkId": "d", "text": "D", "type": "date"},
           {"linkId": "s", "text": "S", "type": "string", "maxLength": 2},
           {"linkId": "c", "text": "C", "type": "choice", "answerOption": [{"valueCoding": {"code": "x", "display": "X"}}]})");
    for (const char* name : {"b", "i", "n", "d", "s", "c"}) {
        fields.emplace(name, "zq7canary");
    }
    const Validation result = check(form, fields);
    EXPECT_EQ(result.problems.size(), 6u);
    for (const FieldProblem& problem : result.problems) {
        EXPECT_EQ(problem.message.find("zq7"), std::string::npos);
    }
}

TEST(Render, ShowsQuestionsAndAnswersInOrder) {
    const Validation result = check(intake(), intake_fields());
    const auto lines = render_response(intake(), result.response);
    ASSERT_TRUE(lines.is_ok());
    const auto answer = [&](std::string_view question) {
        const auto at =
            std::ranges::find_if(*lines, [&](const ReadLine& l) { return l.question.starts_with(question); });
        return at == lines->end() ? std::string("(none)") : at->answer;
    };
    EXPECT_EQ((*lines)[0].question, "About you");
    EXPECT_EQ((*lines)[0].depth, 0);
    EXPECT_EQ((*lines)[1].depth, 1);
    EXPECT_EQ(answer("Your full name"), "Ada Example");
    EXPECT_EQ(answer("Why are you coming"), "Knee hurts\nwhen I run");
    EXPECT_EQ(answer("Where does it hurt"), "Hip; Knee");
    EXPECT_EQ(answer("Have you had surgery"), "No");
    EXPECT_EQ(answer("About how many hours"), "2.50");
    EXPECT_EQ(answer("Which medicines"), "(none)");
}

TEST(Render, RefusesWhatIsNotOneOfOurs) {
    const std::string good = check(phq(), phq_fields("LA6568-5")).response;
    ASSERT_TRUE(render_response(phq(), good).is_ok());
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        EXPECT_FALSE(render_response(phq(), good.substr(0, cut)).is_ok()) << cut;
    }
    const auto changed = [&](std::string_view from, std::string_view to) {
        std::string bad = good;
        const std::size_t at = bad.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        bad.replace(at, from.size(), to);
        return render_response(phq(), bad);
    };
    for (const auto& outcome :
         {changed("QuestionnaireResponse", "Questionnaire"), changed("|1.0.0", "|0.9.0"),
          changed("LA6568-5", "LA6568-6"), changed("\"q2\"", "\"q22\""), changed("\"q1\"", "\"q3\""),
          changed("valueCoding", "valueString"), changed("\"answer\"", "\"item\""),
          render_response(intake(), good)}) {
        ASSERT_FALSE(outcome.is_ok());
        EXPECT_EQ(outcome.error().fault, Fault::damaged);
    }
}

}  // namespace
}  // namespace firedrill::forms
