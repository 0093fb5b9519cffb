# tm-run for GNU make: records how long the wrapped recipes take, if the user has said `tm-run on`.
# Where tm-run is not installed every recipe runs as if this file were not there.
#
#   include telemetry.mk
#
#   deploy:
#   	$(tm) ansible-playbook site.yml                        one plain command, recorded as "deploy"
#   	$(call tm_as,site) ansible-playbook site.yml           the same, recorded as "site"
#   	$(call tele_wrap,deploy,cd web && ./build | tee log)   any shell text, not echoed
#
# A run of make with G=NAME records NAME as the domain.  `make TM_RUN= deploy` runs without tm-run,
# `make TM_RUN=/path/to/tm-run deploy` with that one.
#
# Where a Makefile has a tele_wrap of its own, the definition read last holds: include this file at the end.

# This file is none of the Makefile's: a help target greps the names in that list.
MAKEFILE_LIST := $(wordlist 2,$(words $(MAKEFILE_LIST)),this $(MAKEFILE_LIST))

# Asked once, while make reads its files: an `if` in the recipe would put a shell between make and the
# command, and that shell, not the command, would get the signals make sends. Asked without a shell, which
# may be any program.
ifeq ($(origin TM_RUN),undefined)
TM_RUN := $(firstword $(foreach d,$(subst :, ,$(if $(value PATH),$(PATH))),$(if $(wildcard $d/tm-run/.),,$(wildcard $d/tm-run))))
TM_RUN := $(if $(TM_RUN),'$(subst ','\'',$(TM_RUN))')
unexport TM_RUN
endif

# A Makefile with a bare `export` exports neither these nor names with a dot.
unexport tm tm_as tele_wrap

# Text as one word of the shell, whatever it holds.
tm.quote = '$(subst ','\'',$(1))'

# A name on one line; white space would be the only control characters a Makefile meets by accident.
tm.name = $(call tm.quote,$(strip $(1)))

# --domain=NAME and not two words, for names that begin with a hyphen.
tm.domain = $(if $(strip $(value G)), --domain=$(call tm.name,$(G)))

# With -n, -q and -t make still runs the lines that call make, and they are no runs. A SHELL that is no shell takes no
# prefix.
tm.flags = $(filter-out --%,$(firstword -$(MAKEFLAGS)))
tm.dry = $(findstring n,$(tm.flags))$(findstring q,$(tm.flags))$(findstring t,$(tm.flags))
tm.run = $(if $(tm.dry),,$(if $(filter %sh,$(SHELL)),$(TM_RUN)))
tm.prefix = $(if $(tm.run),$(tm.run) --target=$(call tm.name,$(1))$(tm.domain) --)

tm = $(call tm.prefix,$(@))
tm_as = $(call tm.prefix,$(1))

tm.comma := ,
define tm.newline


endef
define tm.goes-on
\

endef

# To make, a comma in the text ends an argument: here the text is put together again.
tm.text = $(2)$(tm.3)
tm.3 = $(if $(value 3)$(tm.4),$(tm.comma)$(value 3)$(tm.4))
tm.4 = $(if $(value 4)$(tm.5),$(tm.comma)$(value 4)$(tm.5))
tm.5 = $(if $(value 5)$(tm.6),$(tm.comma)$(value 5)$(tm.6))
tm.6 = $(if $(value 6)$(tm.7),$(tm.comma)$(value 6)$(tm.7))
tm.7 = $(if $(value 7)$(tm.8),$(tm.comma)$(value 7)$(tm.8))
tm.8 = $(if $(value 8)$(tm.9),$(tm.comma)$(value 8)$(tm.9))
tm.9 = $(if $(value 9)$(value 10),$(tm.comma)$(value 9)$(if $(value 10),$(error tele_wrap: more than seven commas; put the command into a variable)))

# make runs each line of an expanded recipe on its own, so each is wrapped on its own: TEXT, and what stands
# between two lines. A line that ends in a backslash goes on.
tm.join = $(subst <tm-run: goes on>,$(tm.goes-on),$(subst $(tm.newline),$(2),$(subst $(tm.goes-on),<tm-run: goes on>,$(1))))
# Where make itself would start the command without a shell, there is none between tm-run and the command
# either: these are the characters and the words that make leaves to the default shell.
tm.special := \# ; " ' * ? [ ] & | < > ( ) { } $$ ` ^ ~ ! \ =
tm.builtin := . : alias bg break case cd command continue eval exec exit export fc fg for getopts hash if jobs \
	login logout read readonly return set shift test times trap type ulimit umask unalias unset wait while
tm.custom = $(filter-out /bin/sh,$(SHELL))$(filter-out -c,$(value .SHELLFLAGS))
tm.complex = $(strip $(foreach c,$(tm.special),$(findstring $(c),$(1))) $(if $(findstring $(tm.newline),$(1)),yes) $(filter $(tm.builtin),$(firstword $(1))))
tm.shell = $(SHELL) $(or $(value .SHELLFLAGS),-c)
tm.wrapped = $(call tm.join,@$(tm_as) $(tm.shell) $(call tm.quote,$(tm.text)),'$(tm.newline)@$(tm_as) $(tm.shell) ')
tm.simple = $(if $(strip $(tm.text)),$(if $(tm.custom)$(call tm.complex,$(tm.text)),,@$(tm_as) $(tm.text)))
tele_wrap = $(if $(tm.run),$(or $(tm.simple),$(tm.wrapped)),@$(call tm.join,$(tm.text),$(tm.newline)@))

# The five targets of recording. A pattern rule gives way to every rule of the Makefile's own, wherever that stands, one
# with so long a stem to every pattern, too; and it is never the default goal. What it needs is there for these five only.
.PHONY: $(addprefix .tm-run-telemetry-,on off status clear report)
t%: .tm-run-t% ; @$(tm.ask) $(@:telemetry-%=%)
tm.ask = $(if $(TM_RUN),$(TM_RUN),echo 'tm-run is not installed, or TM_RUN is empty' >&2; false)
