# Writes the page of meanings, help.html, from the tables of documents: what an event, a reason and an error code say, for
# who is offline. Run by coordinator/api/CMakeLists.txt:
#
#   cmake -D docs=FOLDER -D output=FILE -P MeaningsPage.cmake

function(escape variable)
  set(text "${${variable}}")
  string(REPLACE "{semicolon}" ";" text "${text}")
  string(REPLACE "{open}" "[" text "${text}")
  string(REPLACE "{close}" "]" text "${text}")
  string(REPLACE "&" "&amp;" text "${text}")
  string(REPLACE "<" "&lt;" text "${text}")
  string(REPLACE ">" "&gt;" text "${text}")
  string(REGEX REPLACE "\\[([^]]+)\\]\\([^)]*\\)" "\\1" text "${text}") # links go nowhere without the documents
  string(REGEX REPLACE "`([^`]+)`" "<code>\\1</code>" text "${text}")
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

# Adds the rows below the table's heading to `rows`; `name` and `meaning` are columns, from 1. A row with several names is
# several rows.
function(read_table document heading name meaning)
  file(READ "${docs}/${document}" lines)
  string(REPLACE ";" "{semicolon}" lines "${lines}") # all three mean something in lists
  string(REPLACE "[" "{open}" lines "${lines}")
  string(REPLACE "]" "{close}" lines "${lines}")
  string(REPLACE "\n" ";" lines "${lines}")
  set(inside FALSE)
  set(found "")
  foreach(line IN LISTS lines)
    if("${line}" STREQUAL "${heading}")
      set(inside TRUE)
    elseif(inside AND NOT "${line}" MATCHES "^\\|")
      break()
    elseif(inside AND NOT "${line}" MATCHES "^\\|-")
      string(REGEX REPLACE "^\\| *(.*) *\\|$" "\\1" line "${line}")
      string(REPLACE " | " ";" cells "${line}")
      math(EXPR name_at "${name} - 1")
      math(EXPR meaning_at "${meaning} - 1")
      list(GET cells ${name_at} names)
      list(GET cells ${meaning_at} text)
      string(STRIP "${text}" text)
      escape(text)
      string(REGEX REPLACE "[` ]" "" names "${names}")
      string(REPLACE "," ";" names "${names}")
      foreach(one IN LISTS names)
        string(TOLOWER "${one}" id)
        string(APPEND found "<tr id=\"${id}\"><th scope=\"row\"><code>${one}</code></th><td>${text}</td></tr>\n")
      endforeach()
    endif()
  endforeach()
  if(found STREQUAL "")
    message(FATAL_ERROR "docs/${document} has no table '${heading}'")
  endif()
  set(rows "${found}" PARENT_SCOPE)
endfunction()

function(add_section id title lead)
  string(APPEND body "<section aria-labelledby=\"${id}\"><h2 id=\"${id}\">${title}</h2>\n<p>${lead}</p>\n"
    "<table><thead><tr><th scope=\"col\">name</th><th scope=\"col\">meaning</th></tr></thead><tbody>\n${rows}</tbody></table></section>\n")
  set(body "${body}" PARENT_SCOPE)
endfunction()

set(body "")
read_table(fleet-store.md "| event | when |" 1 2)
add_section(events "Events" "What the log of events and the stream call what happens (docs/fleet-store.md).")
read_table(protocol.md "| number | name | said by | meaning |" 2 4)
add_section(reasons "Reasons" "Why a device refused a task, or its answer was refused (docs/protocol.md).")
read_table(api.md "| code | status | meaning |" 1 3)
add_section(errors "Errors" "Codes of the interface's answers that are no success (docs/api.md).")
file(
  WRITE "${output}"
  "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Skink: meanings</title><link rel=\"icon\" href=\"/assets/icon.svg\"><link rel=\"stylesheet\" href=\"/assets/page.css\">
<script src=\"/assets/theme.js\"></script></head>
<body class=\"help\"><header class=\"bar\"><a class=\"brand\" href=\"/\">Skink</a><nav aria-label=\"Sections\">
<a href=\"#events\">Events</a> <a href=\"#reasons\">Reasons</a> <a href=\"#errors\">Errors</a></nav></header>
<main><h1>What names mean</h1>
${body}</main></body></html>
")
