#include "forms/questionnaire.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "forms/values.h"

namespace firedrill::forms {
namespace {

std::string form_with(std::string_view items) {
    return fmt::format(
        R"({{"resourceType": "Questionnaire", "id": "small", "url": "https://example.org/small",
                           "version": "1", "title": "Small", "status": "active", "item": [{}]}})",
        items);
}

// What parse_questionnaire says about a form with these items; empty when it takes them.
std::string refusal(std::string_view items) {
    const auto form = parse_questionnaire(form_with(items));
    if (form) {
        return {};
    }
    EXPECT_EQ(form.error().fault, Fault::bad_input);
    return form.error().text;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

constexpr std::string_view kYesNo = R"({"linkId": "a", "text": "A?", "type": "boolean"})";

TEST(Questionnaire, BuiltInFormsAreTheTwoThatEveryPracticeStartsWith) {
    const auto& forms = built_in_questionnaires();
    ASSERT_EQ(forms.size(), 2u);
    EXPECT_EQ(forms[0].name, "phq-9");
    EXPECT_EQ(forms[1].name, "pt-intake");
}

TEST(Questionnaire, Phq9AsksNineCodedQuestionsAndOneThatDependsOnThem) {
    const Questionnaire& phq = built_in_questionnaires()[0];
    ASSERT_EQ(phq.items.size(), 2u);
    ASSERT_EQ(phq.items[0].items.size(), 9u);
    const std::vector<std::string> codes{"LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"};
    for (const Item& item : phq.items[0].items) {
        EXPECT_TRUE(item.is_required);
        ASSERT_EQ(item.options.size(), 4u);
        for (std::size_t i = 0; i < 4; ++i) {
            EXPECT_EQ(item.options[i].code, codes[i]);
            EXPECT_EQ(item.options[i].system, "http://loinc.org");
        }
    }
    EXPECT_EQ(phq.items[1].enable_when.size(), 9u);
    EXPECT_TRUE(phq.items[1].enable_any);
    EXPECT_TRUE(contains(phq.json, "44249-1"));
}

TEST(Questionnaire, ReadsEveryPartOfAnItem) {
    const auto form = parse_questionnaire(form_with(
        R"({"linkId": "g", "text": "Group", "type": "group", "item": [
             {"linkId": "c", "text": "Which?", "type": "choice", "repeats": true, "required": true, "answerOption": [
               {"valueCoding": {"code": "x", "system": "urn:s", "display": "Ex"}},
               {"valueCoding": {"code": "y", "display": "Why"}}]},
             {"linkId": "t", "text": "More", "type": "text", "maxLength": 12,
              "enableWhen": [{"question": "c", "operator": "=", "answerCoding": {"code": "x", "system": "urn:s"}},
                             {"question": "c", "operator": "exists", "answerBoolean": true}],
              "enableBehavior": "all"}]})"));
    ASSERT_TRUE(form.is_ok()) << form.error().text;
    const Item& group = form->items[0];
    EXPECT_EQ(group.type, ItemType::group);
    EXPECT_TRUE(group.items[0].is_repeating);
    EXPECT_TRUE(group.items[0].is_required);
    EXPECT_EQ(group.items[0].options[1].display, "Why");
    EXPECT_EQ(group.items[1].max_length, 12u);
    ASSERT_EQ(group.items[1].enable_when.size(), 2u);
    EXPECT_EQ(group.items[1].enable_when[0].value, "x");
    EXPECT_EQ(group.items[1].enable_when[1].compare, Compare::exists);
    EXPECT_FALSE(group.items[1].enable_any);
}

TEST(Questionnaire, RefusesByNameWhatItDoesNotSupport) {
    EXPECT_TRUE(contains(refusal(R"({"linkId": "a", "text": "A", "type": "attachment"})"), "'attachment'"));
    EXPECT_TRUE(contains(refusal(R"({"linkId": "a", "text": "A", "type": "string", "extension": []})"),
                         "item 'a': 'extension' is not supported"));
    EXPECT_TRUE(contains(refusal(R"({"linkId": "a", "text": "A", "type": "string", "readOnly": true})"),
                         "'readOnly'"));
    EXPECT_TRUE(contains(refusal(R"({"linkId": "a", "text": "A", "type": "choice",
                                     "answerOption": [{"valueInteger": 3}]})"),
                         "'valueInteger'"));
    EXPECT_TRUE(
        contains(parse_questionnaire(R"({"resourceType": "Questionnaire", "contained": []})").error().text,
                 "'contained'"));
    EXPECT_TRUE(contains(parse_questionnaire(R"({"resourceType": "Patient"})").error().text, "resourceType"));
}

TEST(Questionnaire, RefusesItemsThatContradictThemselves) {
    EXPECT_EQ(refusal(kYesNo), "");
    EXPECT_NE(refusal(std::string(kYesNo) + "," + std::string(kYesNo)), "");  // twice the same linkId
    EXPECT_NE(refusal(R"({"linkId": "a b", "text": "A", "type": "string"})"), "");
    EXPECT_NE(refusal(R"({"linkId": "", "text": "A", "type": "string"})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "group"})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "group", "required": true, "item": [)" +
                      std::string(kYesNo) + "]}"),
              "");
    EXPECT_NE(
        refusal(R"({"linkId": "b", "text": "A", "type": "string", "item": [)" + std::string(kYesNo) + "]}"),
        "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "string", "repeats": true})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "choice"})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "integer", "maxLength": 3})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "string", "maxLength": 0})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "string", "maxLength": 4001})"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "type": "choice", "answerOption": [
        {"valueCoding": {"code": "x", "display": "1"}}, {"valueCoding": {"code": "x", "display": "2"}}]})"),
              "");
}

TEST(Questionnaire, ConditionsOnlyLookBackAtQuestionsOfAFittingType) {
    const auto with_condition = [](std::string_view condition) {
        return refusal(fmt::format(R"({},{{"linkId": "n", "text": "N", "type": "integer"}},
            {{"linkId": "b", "text": "B", "type": "string", "enableWhen": [{}]}})",
                                   kYesNo, condition));
    };
    EXPECT_EQ(with_condition(R"({"question": "a", "operator": "=", "answerBoolean": true})"), "");
    EXPECT_EQ(with_condition(R"({"question": "n", "operator": ">=", "answerInteger": -3})"), "");
    EXPECT_NE(with_condition(R"({"question": "b", "operator": "exists", "answerBoolean": true})"), "");
    EXPECT_NE(with_condition(R"({"question": "later", "operator": "exists", "answerBoolean": true})"), "");
    EXPECT_NE(with_condition(R"({"question": "a", "operator": ">", "answerBoolean": true})"), "");
    EXPECT_NE(with_condition(R"({"question": "a", "operator": "=", "answerInteger": 1})"), "");
    EXPECT_NE(with_condition(R"({"question": "n", "operator": "=", "answerInteger": 1.5})"), "");
    EXPECT_NE(with_condition(R"({"question": "n", "operator": "~", "answerInteger": 1})"), "");
}

TEST(Questionnaire, KeepsItsLimits) {
    std::string many;
    for (int i = 0; i < 201; ++i) {
        many += fmt::format(R"({}{{"linkId": "i{}", "text": "A", "type": "date"}})", i == 0 ? "" : ",", i);
    }
    EXPECT_TRUE(contains(refusal(many), "200"));
    std::string deep(kYesNo);
    for (int i = 0; i < 4; ++i) {
        deep = fmt::format(R"({{"linkId": "g{}", "text": "G", "type": "group", "item": [{}]}})", i, deep);
    }
    EXPECT_EQ(refusal(deep), "");
    EXPECT_TRUE(contains(refusal(R"({"linkId": "g", "text": "G", "type": "group", "item": [)" + deep + "]}"),
                         "deeper"));
    EXPECT_NE(
        refusal(fmt::format(R"({{"linkId": "a", "text": "{}", "type": "string"}})", std::string(65536, 'x'))),
        "");
    EXPECT_FALSE(parse_questionnaire(std::string(100000, '[')).is_ok());
}

TEST(Questionnaire, RefusesTextThatIsNotStrictJson) {
    const std::string good = form_with(kYesNo);
    ASSERT_TRUE(parse_questionnaire(good).is_ok());
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        EXPECT_FALSE(parse_questionnaire(good.substr(0, cut)).is_ok()) << cut;
    }
    EXPECT_TRUE(parse_questionnaire(good + "\n").is_ok());
    EXPECT_FALSE(parse_questionnaire(good + "x").is_ok());
    EXPECT_FALSE(parse_questionnaire(good + good).is_ok());
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A", "text": "B", "type": "string"})"), "");
    EXPECT_NE(refusal("{\"linkId\": \"a\", \"text\": \"\xC0\xAF\", \"type\": \"string\"}"), "");
    EXPECT_NE(refusal(R"({"linkId": "a", "text": "A\u0000B", "type": "string"})"), "");
}

TEST(Values, KnowUtf8) {
    for (const char* good :
         {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        EXPECT_TRUE(is_utf8(good));
    }
    for (const char* bad :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80",
          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"}) {
        EXPECT_FALSE(is_utf8(bad));
    }
    EXPECT_EQ(count_characters("a\xC3\xA9\xF0\x9F\x98\x80"), 3u);
    EXPECT_FALSE(is_plain_text("a\xC2\x85", true));
    EXPECT_TRUE(is_plain_text("a\n\tb", true));
    EXPECT_FALSE(is_plain_text("a\nb", false));
}

TEST(Values, KnowNumbersAndDates) {
    for (const char* good : {"0", "-1", "2147483647", "-2147483648"}) {
        EXPECT_TRUE(is_integer(good)) << good;
    }
    for (const char* bad : {"", "-", "+1", "01", "-0", "1.0", "2147483648", " 1", "1e3", "0x1"}) {
        EXPECT_FALSE(is_integer(bad)) << bad;
    }
    for (const char* good : {"0", "-0.5", "37.50", "123456789012345678"}) {
        EXPECT_TRUE(is_decimal(good)) << good;
    }
    for (const char* bad : {"", ".5", "5.", "-", "1e3", "00.5", "1,5", "1234567890123456789", "NaN", "--1"}) {
        EXPECT_FALSE(is_decimal(bad)) << bad;
    }
    for (const char* good : {"2024-02-29", "0001-01-01", "9999-12-31"}) {
        EXPECT_TRUE(is_date(good)) << good;
    }
    for (const char* bad : {"2023-02-29", "2024-13-01", "2024-00-01", "2024-1-1", "0000-01-01", "2024-01-32",
                            "24-01-01", "2024-01-01T", "2024/01/01", "+024-01-01"}) {
        EXPECT_FALSE(is_date(bad)) << bad;
    }
}

TEST(Values, CompareNumbersExactly) {
    const std::vector<std::string> ascending{"-10.5", "-10", "-9.99", "-0.1", "0",  "0.10",
                                             "0.2",   "1",   "1.01",  "2",    "10", "123456789012345678"};
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            EXPECT_EQ(compare_numbers(ascending[i], ascending[j]), i <=> j)
                << ascending[i] << " " << ascending[j];
        }
    }
    EXPECT_EQ(compare_numbers("-0.0", "0"), std::strong_ordering::equal);
    EXPECT_EQ(compare_numbers("1.50", "1.5"), std::strong_ordering::equal);
}

}  // namespace
}  // namespace firedrill::forms
